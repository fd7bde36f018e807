end

-- An error must not leave the script, because that would leave its frame in the interpreter.
local ok, code, value = pcall(run)
if not ok then
  value = tostring(code)
  code = failed
end
local first = not session_answer
session_answer = session_answer or {}
session_answer[1], session_answer[2], session_answer[3] = ARGV[1], code, value or false
if first or ARGV[2] == '1' then
  return session_answer
end
