package fakessdb

import (
	"bufio"
	"strconv"
)

// A redisCommand tells what SSDB makes of a Redis command. Commands outside the table run under their own name and
// answer with an array.
type redisCommand struct {
	ssdb    string
	shape   shape
	convert func(args []string) []string // nil keeps the arguments
}

// A shape is the kind of reply to a successful Redis command.
type shape int

const (
	bulk shape = iota
	array
	integer
	status
	pong
	matched // MGET and HMGET: one entry for each name in the request
)

var redisCommands = map[string]*redisCommand{
	"auth": {"auth", status, nil},
	"ping": {"ping", pong, nil},

	"get":    {"get", bulk, nil},
	"getset": {"getset", bulk, nil},
	"set":    {"set", status, nil},
	"setnx":  {"setnx", integer, nil},
	"setex":  {"setx", status, secondsLast},
	"exists": {"exists", integer, nil},
	"incr":   {"incr", integer, nil},
	"incrby": {"incr", integer, nil},
	"decr":   {"decr", integer, nil},
	"decrby": {"decr", integer, nil},
	"ttl":    {"ttl", integer, nil},
	"expire": {"expire", integer, nil},
	"keys":   {"keys", array, nil},
	"del":    {"multi_del", integer, nil},
	"mset":   {"multi_set", status, nil},
	"mget":   {"multi_get", matched, nil},

	"hset":    {"hset", integer, nil},
	"hget":    {"hget", bulk, nil},
	"hexists": {"hexists", integer, nil},
	"hmset":   {"multi_hset", status, nil},
	"hmget":   {"multi_hget", matched, nil},
	"hdel":    {"multi_hdel", integer, nil},
	"hmdel":   {"multi_hdel", integer, nil},
	"hlen":    {"hsize", integer, nil},
	"hincrby": {"hincr", integer, nil},
	"hgetall": {"hgetall", array, nil},
	"hkeys":   {"hkeys", array, wholeHash},
	"hvals":   {"hvals", array, wholeHash},

	"zadd":   {"multi_zset", integer, membersFirst},
	"zscore": {"zget", bulk, nil},
	"zrem":   {"multi_zdel", integer, nil},
	"zcard":  {"zsize", integer, nil},
}

// readRedis reads a request of the Redis protocol. Like SSDB it takes any byte for the '$' and a lone newline for CRLF.
func readRedis(in *bufio.Reader) ([]string, error) {
	count, err := readCount(in)
	if err != nil {
		return nil, err
	}
	if count <= 0 {
		return nil, errMalformed
	}
	var words []string
	for {
		size, err := readCount(in)
		if err != nil {
			return nil, err
		}
		word, err := readWord(in, int64(size))
		if err != nil {
			return nil, err
		}
		if _, err := in.ReadByte(); err != nil { // The first byte of CRLF.
			return nil, err
		}
		words = append(words, word)
		if len(words) == int(count) {
			// The last newline may still be on its way. It counts as an empty line before the next request.
			return words, nil
		}
		if next, err := in.Peek(1); err != nil {
			return nil, err
		} else if next[0] == '\n' {
			in.Discard(1)
		}
	}
}

// readCount reads a line of one byte and a number.
func readCount(in *bufio.Reader) (int32, error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	n, _ := number(string(line[1:]))
	return int32(n), nil
}

// translate turns a Redis request into SSDB's. The command is nil if the table does not have it.
func translate(words []string) ([]string, *redisCommand) {
	command := redisCommands[words[0]]
	if command == nil {
		return words, nil
	}
	args := words[1:]
	if command.convert != nil {
		args = command.convert(args)
	}
	return append([]string{command.ssdb}, args...), command
}

// secondsLast is for SETEX, whose seconds come before the value. SETX wants them after it.
func secondsLast(args []string) []string {
	if len(args) != 3 {
		return nil
	}
	return []string{args[0], args[2], args[1]}
}

// wholeHash adds the range that SSDB asks of HKEYS and HVALS. A Redis client cannot give one.
func wholeHash(args []string) []string {
	if len(args) != 1 {
		return nil
	}
	return []string{args[0], "", "", "2000000000"}
}

// membersFirst is for ZADD, whose scores come before the members. A fraction of a score is cut off.
func membersFirst(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	out := []string{args[0]}
	for i := 1; i+1 < len(args); i += 2 {
		out = append(out, args[i+1], strconv.FormatInt(int64(float(args[i])), 10))
	}
	return out
}

// float reads a number as C's atof does. Garbage counts as zero.
func float(s string) float64 {
	for end := len(s); end > 0; end-- {
		if f, err := strconv.ParseFloat(s[:end], 64); err == nil {
			return f
		}
	}
	return 0
}

// appendRedis writes down a response as a Redis reply. The request tells MGET which keys were missing.
func appendRedis(out []byte, command *redisCommand, req []string, resp response) []byte {
	switch resp[0] {
	case "ok":
	case "error", "fail", "client_error":
		// SSDB gives most errors no text. The line is then "-ERR " with nothing after the space.
		return appendLine(out, "-ERR ", second(resp))
	case "not_found":
		return append(out, "$-1\r\n"...)
	case "noauth":
		return appendLine(out, "-NOAUTH ", second(resp))
	default:
		return append(out, "-ERR server error\r\n"...)
	}
	if command == nil {
		return appendArray(out, resp[1:])
	}
	switch command.shape {
	case pong:
		return append(out, "+PONG\r\n"...)
	case status:
		return append(out, "+OK\r\n"...)
	case bulk:
		return appendBulk(out, second(resp))
	case integer:
		return appendLine(out, ":", second(resp))
	case matched:
		names := req[1:]
		if command.ssdb == "multi_hget" {
			names = req[2:]
		}
		return appendMatched(out, names, resp[1:])
	}
	return appendArray(out, resp[1:])
}

// second is the word after the status, empty if there is none.
func second(resp response) string {
	if len(resp) < 2 {
		return ""
	}
	return resp[1]
}

func appendLine(out []byte, kind, text string) []byte {
	out = append(out, kind...)
	out = append(out, text...)
	return append(out, "\r\n"...)
}

func appendBulk(out []byte, value string) []byte {
	out = appendLine(out, "$", strconv.Itoa(len(value)))
	return appendLine(out, "", value)
}

func appendArray(out []byte, values []string) []byte {
	out = appendLine(out, "*", strconv.Itoa(len(values)))
	for _, value := range values {
		out = appendBulk(out, value)
	}
	return out
}

// appendMatched gives each name its value, or nil. The pairs have the order of the names, with the missing ones left out.
func appendMatched(out []byte, names, pairs []string) []byte {
	out = appendLine(out, "*", strconv.Itoa(len(names)))
	for _, name := range names {
		if len(pairs) == 0 || pairs[0] != name {
			out = append(out, "$-1\r\n"...)
			continue
		}
		out = appendBulk(out, pairs[1])
		pairs = pairs[2:]
	}
	return out
}
