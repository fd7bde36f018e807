-- Lets scripts run on a server that asks for a password: the interpreter is a client of its own, which must say it too.
-- ARGV[4] the password
-- done
ledis.call('AUTH', ARGV[4])
return done
