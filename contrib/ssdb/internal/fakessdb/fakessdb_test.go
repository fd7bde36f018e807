package fakessdb

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A client sends raw requests and compares raw replies.
type client struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, s *Server) *client {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t, nc, bufio.NewReader(nc)}
}

// send writes bytes as they are and wants exactly these bytes back.
func (c *client) send(request, want string) {
	c.t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		c.t.Fatal(err)
	}
	got := make([]byte, len(want))
	n, err := io.ReadFull(c.in, got)
	if err != nil || string(got) != want {
		c.t.Fatalf("%q: got %q, %v; want %q", request, got[:n], err, want)
	}
}

// redis sends words in the Redis protocol. The reply is written with | for CRLF.
func (c *client) redis(want string, words ...string) {
	c.t.Helper()
	c.send(string(appendArray(nil, words)), strings.ReplaceAll(want, "|", "\r\n"))
}

// native sends words as blocks and wants a response of these words, written with spaces between them.
func (c *client) native(want string, words ...string) {
	c.t.Helper()
	c.send(blocks(words...), blocks(strings.Fields(want)...))
}

func blocks(words ...string) string {
	return string((&conn{}).reply(words))
}

// closed wants the server to end the connection without a further byte.
func (c *client) closed(request string) {
	c.t.Helper()
	io.WriteString(c, request)
	if b, err := c.in.ReadByte(); err == nil {
		c.t.Fatalf("%q was answered with %q", request, b)
	} else if nerr, isNet := err.(net.Error); isNet && nerr.Timeout() {
		c.t.Fatalf("%q left the connection open", request)
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestRedisReplies(t *testing.T) {
	long := strings.Repeat("k", 256)
	for _, tt := range []struct {
		name  string
		steps [][]string // the reply, then the words
	}{
		{"get and set", [][]string{
			{"$-1|", "GET", "a"},
			{"+OK|", "SET", "a", "1"},
			{"$1|1|", "get", "a"},
			{"+OK|", "set", "a", ""},
			{"$0||", "get", "a"},
			{"$0||", "getset", "a", "2"},
			{"$-1|", "getset", "b", "2"},
			{"$1|2|", "get", "b"},
			{":1|", "exists", "b", "missing"},
			{":0|", "exists", "missing", "b"},
		}},
		{"set ignores options", [][]string{
			{"+OK|", "set", "a", "1"},
			{"+OK|", "set", "a", "2", "EX", "10", "NX"},
			{"$1|2|", "get", "a"},
			{":-1|", "ttl", "a"},
		}},
		{"setnx", [][]string{
			{":1|", "setnx", "a", "1"},
			{":0|", "setnx", "a", "2"},
			{"$1|1|", "get", "a"},
		}},
		{"deadlines", [][]string{
			{"+OK|", "setex", "a", "100", "1"},
			{"+OK|", "set", "a", "2"},
			{":1|", "expire", "a", "5000"},
			{":0|", "expire", "missing", "5"},
			{":-1|", "ttl", "missing"},
			{"*1|$1|1|", "setx", "b", "2", "100"},
			{"-ERR Unknown Command: persist|", "persist", "a"},
			{"-ERR wrong number of arguments|", "setex", "a", "100"},
		}},
		{"several keys", [][]string{
			{"+OK|", "mset", "a", "1", "b", "2", "c", "3"},
			{"*4|$1|1|$-1|$1|3|$1|1|", "mget", "a", "x", "c", "a"},
			{"*4|$1|a|$1|1|$1|c|$1|3|", "multi_get", "a", "x", "c"},
			{"*4|$1|a|$1|1|$1|x|$1|0|", "multi_exists", "a", "x"},
			{":3|", "del", "a", "b", "missing"},
			{":1|", "del", "missing"},
			{"*1|$1|2|", "multi_del", "c", "missing"},
			{"*1|$1|1|", "multi_set", "d", "4"},
			{"-ERR |", "mset", "a", "1", "b"},
		}},
		{"ranges of keys", [][]string{
			{"+OK|", "mset", "a", "1", "b", "2", "c", "3", "\xff", "4"},
			{"*4|$1|a|$1|b|$1|c|$1|\xff|", "keys", "", "", "10"},
			{"*2|$1|b|$1|c|", "keys", "a", "c", "-1"},
			{"*1|$1|b|", "keys", "a", "", "1"},
			{"*0|", "keys", "c", "a", "10"},
			{"*3|$1|c|$1|b|$1|a|", "rkeys", "", "", "10"},
			{"*2|$1|b|$1|2|", "rscan", "c", "b", "10"},
			{"*4|$1|b|$1|2|$1|c|$1|3|", "scan", "a", "c", "10"},
			{"-ERR wrong number of arguments|", "keys", "*"},
			{"*0|", "scan", "0", "match", "*", "count", "10"},
		}},
		{"counters", [][]string{
			{":1|", "incr", "n"},
			{":11|", "incrby", "n", "10"},
			{":9|", "decrby", "n", "2"},
			{"+OK|", "set", "n", "x"},
			{"-ERR value is not an integer or out of range|", "incr", "n"},
		}},
		{"hashes", [][]string{
			{":1|", "hset", "h", "f", "1", "ignored", "2"},
			{":0|", "hset", "h", "f", "2"},
			{"$1|2|", "hget", "h", "f"},
			{"$-1|", "hget", "h", "x"},
			{"+OK|", "hmset", "h", "g", "3", "e", "4"},
			{"*6|$1|e|$1|4|$1|f|$1|2|$1|g|$1|3|", "hgetall", "h"},
			{"*2|$1|f|$1|2|", "hscan", "h", "e", "f", "10"},
			{"*3|$1|e|$1|f|$1|g|", "hkeys", "h"},
			{"*3|$1|4|$1|2|$1|3|", "hvals", "h"},
			{"*2|$1|3|$-1|", "hmget", "h", "g", "x"},
			{":3|", "hlen", "h"},
			{"*1|$1|3|", "hsize", "h"},
			{":5|", "hincrby", "h", "e", "1"},
			{":1|", "hexists", "h", "e"},
			{"$-1|", "get", "h"},
			{":1|", "del", "h"},
			{":2|", "hdel", "h", "e", "f", "x"},
			{"*1|$1|1|", "hclear", "h"},
			{"*0|", "hgetall", "h"},
			{"-ERR |", "hset", "h", "", "v"},
		}},
		{"sorted sets", [][]string{
			{":2|", "zadd", "z", "2", "b", "1.9", "a"},
			{"*1|$1|1|", "zset", "z", "c", "-3"},
			{"$1|1|", "zscore", "z", "a"},
			{"*1|$1|2|", "zget", "z", "b"},
			{"$-1|", "zget", "z", "x"},
			{"*6|$1|c|$2|-3|$1|a|$1|1|$1|b|$1|2|", "zscan", "z", "", "", "", "10"},
			{"*1|$1|b|", "zkeys", "z", "a", "", "", "10"},
			{"*2|$1|a|$1|b|", "zkeys", "z", "", "1", "2", "10"},
			{":3|", "zcard", "z"},
			{"*1|$1|1|", "zdel", "z", "a"},
			{":1|", "zrem", "z", "b", "x"},
		}},
		{"long keys", [][]string{
			{"+OK|", "set", long[1:], "1"},
			{"$1|1|", "get", long[1:]},
			{"-ERR |", "set", long, "1"},
			{"-ERR |", "setex", long, "10", "1"},
			{"-ERR |", "setnx", long, "1"},
			{"-ERR |", "getset", long, "1"},
			{"-ERR |", "incr", long},
			{"-ERR |", "hset", long, "f", "1"},
			{"-ERR |", "hset", "h", long, "1"},
			{"$-1|", "get", long},
			{":0|", "exists", long},
			{":0|", "expire", long, "10"},
			{":-1|", "ttl", long},
			{":1|", "del", long},
			{"+OK|", "mset", "a", "1", long, "2"},
			{"$-1|", "get", "a"},
		}},
		{"empty key", [][]string{
			{"+OK|", "set", "", "1"},
			{"$-1|", "get", ""},
			{":0|", "setnx", "", "1"},
			{"$-1|", "getset", "", "1"},
			{"+OK|", "setex", "", "10", "1"},
			{":1|", "incr", ""},
			{"*0|", "keys", "", "", "10"},
		}},
		{"bytes", [][]string{
			{"+OK|", "set", "\x00\r\n\xfe", "*1\r\n\x00\xff"},
			{"$6|*1\r\n\x00\xff|", "get", "\x00\r\n\xfe"},
		}},
		{"unknown", [][]string{
			{"-ERR Unknown Command: hello|", "HELLO", "2"},
			{"-ERR Unknown Command: client|", "CLIENT", "SETINFO", "LIB-NAME", "x"},
			{"-ERR Unknown Command: eval|", "EVAL", "return 1", "0"},
			{"-ERR Unknown Command: watch|", "WATCH", "a"},
			{"-ERR Unknown Command: select|", "SELECT", "0"},
			{"-ERR Unknown Command: pexpire|", "PEXPIRE", "a", "1"},
			{"-ERR Unknown Command: unlink|", "UNLINK", "a"},
			{"-ERR wrong number of arguments|", "get"},
			{"-ERR wrong number of arguments|", "set", "a"},
		}},
		{"transactions run at once", [][]string{
			{"-ERR Unknown Command: multi|", "MULTI"},
			{"+OK|", "SET", "a", "1"},
			{"-ERR Unknown Command: exec|", "EXEC"},
		}},
		{"server", [][]string{
			{"+PONG|", "PING", "hello"},
			{"+OK|", "AUTH", "any"},
			{"-ERR |", "AUTH", "user", "any"},
			{"*1|$5|1.9.8|", "version"},
			{"+OK|", "set", "a", "123"},
			{"*1|$1|4|", "dbsize"},
			{"*9|$11|ssdb-server|$7|version|$5|1.9.8|$5|links|$1|1|$11|total_calls|$1|7|$6|dbsize|$1|4|", "info"},
			{"*0|", "flushdb"},
			{"$-1|", "get", "a"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, Start(t))
			for _, step := range tt.steps {
				c.redis(step[0], step[1:]...)
			}
			c.redis("+PONG|", "ping")
		})
	}
}

func TestNativeResponses(t *testing.T) {
	c := dial(t, Start(t))
	c.native("ok", "ping")
	c.native("ok 1", "set", "a", "1")
	c.native("ok 1", "get", "a")
	c.native("not_found", "get", "b")
	c.native("ok 1", "setx", "b", "2", "100")
	c.native("ok 0", "setnx", "b", "3")
	c.native("ok -1", "ttl", "a")
	c.native("ok a 1 b 2", "scan", "", "", "10")
	c.native("ok a b", "keys", "", "", "10")
	c.native("ok 1", "del", "missing")
	c.native("ok 2", "multi_set", "c", "3", "d", "4")
	c.native("ok 0", "multi_set", "e", "5", "", "6")
	c.native("ok 3", "multi_del", "a", "c", "missing")
	c.native("error", "set", strings.Repeat("k", 256), "1")
	c.native("error", "del", strings.Repeat("k", 256))
	c.native("client_error", "multi_set", "a")
	c.native("ok 1", "auth", "any")
	c.send(blocks("SET", "a", "1"), blocks("client_error", "Unknown Command: SET"))
	c.send(blocks("get"), blocks("client_error", "wrong number of arguments"))
}

func TestFraming(t *testing.T) {
	s := Start(t)
	t.Run("several requests in one packet", func(t *testing.T) {
		c := dial(t, s)
		c.send("*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\n1\r\n", "+PONG\r\n+OK\r\n")
	})
	t.Run("newlines instead of CRLF", func(t *testing.T) {
		dial(t, s).send("\r\n\n*2\n$3\nget\n$1\na\n", "$1\r\n1\r\n")
		dial(t, s).send("\n3\r\nget\r\n1\r\na\r\n\r\n", "2\nok\n1\n1\n\n")
	})
	t.Run("a connection stays with Redis", func(t *testing.T) {
		c := dial(t, s)
		c.redis("$1|1|", "get", "a")
		c.send(blocks("get", "a"), "$1\r\n1\r\n")
	})
	for _, request := range []string{
		"PING\r\n", "*0\r\n", "*-1\r\n", "*1\r\n$-1\r\n", "3\nget!\n", "99999999999999999999\n", "3000000000\n",
	} {
		t.Run(fmt.Sprintf("%q", request), func(t *testing.T) { dial(t, s).closed(request) })
	}
}

func TestExpiry(t *testing.T) {
	s := Start(t)
	c := dial(t, s)
	gone := func(key string) func() bool {
		return func() bool { _, found := s.Value(key); return !found }
	}
	t.Run("seconds that are no number", func(t *testing.T) {
		c.redis("+OK|", "setex", "garbage", "soon", "1")
		c.redis("+OK|", "setex", "zero", "0", "1")
		eventually(t, "the key stays", gone("garbage"))
		eventually(t, "the key stays", gone("zero"))
	})
	t.Run("one second", func(t *testing.T) {
		c.redis("+OK|", "setex", "second", "1", "1")
		start := time.Now()
		eventually(t, "the key stays", gone("second"))
		if took := time.Since(start); took < 900*time.Millisecond {
			t.Errorf("gone after %v", took)
		}
		if got := s.TTL("second"); got != -1 {
			t.Errorf("TTL = %d", got)
		}
	})
	t.Run("kept by writes", func(t *testing.T) {
		s.Set("kept", "1", 100)
		c.redis("+OK|", "set", "kept", "2")
		c.redis("$1|2|", "getset", "kept", "3")
		c.redis(":4|", "incr", "kept")
		c.redis("+OK|", "mset", "kept", "5")
		if got := s.TTL("kept"); got < 90 || got > 100 {
			t.Errorf("TTL = %d", got)
		}
	})
	t.Run("dropped by DEL", func(t *testing.T) {
		s.Set("dropped", "1", 100)
		c.redis(":1|", "del", "dropped")
		c.redis("+OK|", "set", "dropped", "2")
		if got := s.TTL("dropped"); got != -1 {
			t.Errorf("TTL = %d", got)
		}
	})
	t.Run("rounded down", func(t *testing.T) {
		s.Set("rounded", "1", 100)
		time.Sleep(2 * time.Millisecond)
		if got := s.TTL("rounded"); got > 99 {
			t.Errorf("TTL = %d", got)
		}
	})
	t.Run("32 bits", func(t *testing.T) {
		c.redis("+OK|", "setex", "wrapped", "4294967396", "1") // 100 above 32 bits.
		if got := s.TTL("wrapped"); got > 100 {
			t.Errorf("TTL = %d", got)
		}
	})
}

func TestDeadline(t *testing.T) {
	s := newStore()
	s.put("a", "1")
	s.expireIn("a", 10)
	at := s.zsets[deadlines]["a"]
	s.removeDue(at - 1)
	if s.values["a"] == "" {
		t.Error("removed before its deadline")
	}
	s.removeDue(at)
	if s.values["a"] != "" || s.ttl("a") != -1 {
		t.Error("kept at its deadline")
	}
}

func TestPassword(t *testing.T) {
	s := Start(t)
	s.SetPassword("secret")
	redis, native := dial(t, s), dial(t, s)
	redis.redis("-NOAUTH authentication required.|", "PING")
	redis.redis("-NOAUTH authentication required.|", "HELLO", "2", "AUTH", "default", "secret")
	redis.redis("-ERR invalid password|", "AUTH", "wrong")
	redis.redis("-ERR |", "AUTH", "default", "secret")
	redis.redis("+OK|", "AUTH", "secret")
	redis.redis("+PONG|", "PING")
	native.send(blocks("ping"), blocks("noauth", "authentication required."))
	native.send(blocks("auth", "wrong"), blocks("error", "invalid password"))
	native.native("ok 1", "auth", "secret")
	native.native("ok", "ping")
	s.SetPassword("")
	dial(t, s).redis("+PONG|", "PING")
}

func TestRestart(t *testing.T) {
	s := Start(t)
	addr := s.Addr
	c := dial(t, s)
	c.redis("+OK|", "set", "a", "1")
	s.Set("due", "1", -5)
	s.Stop()
	s.Stop()
	c.closed("")
	if nc, err := net.Dial("tcp", addr); err == nil {
		nc.Close()
		t.Error("a stopped server accepts connections")
	}
	s.Set("late", "1", -5)
	if _, found := s.Value("late"); !found {
		t.Error("a stopped server removes keys")
	}
	s.Restart()
	if s.Addr != addr {
		t.Errorf("Addr = %s, before it was %s", s.Addr, addr)
	}
	c = dial(t, s)
	c.redis("$1|1|", "get", "a")
	eventually(t, "the key stays", func() bool { _, found := s.Value("late"); return !found })
	s.Restart()
	c.closed("")
	dial(t, s).redis("$1|1|", "get", "a")
}

func TestCommands(t *testing.T) {
	s := Start(t)
	c := dial(t, s)
	c.redis("+OK|", "SETEX", "a", "10", "1")
	c.redis("-ERR Unknown Command: hello|", "HELLO", "3")
	dial(t, s).native("ok", "ping")
	if got, want := s.Commands(), []string{"setex", "hello", "ping"}; !slices.Equal(got, want) {
		t.Errorf("Commands() = %q, want %q", got, want)
	}
}

// failures keeps the errors that a server reports instead of failing the test.
type failures struct {
	testing.TB
	mu   sync.Mutex
	list []string
}

func (f *failures) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

func TestFailsTheTest(t *testing.T) {
	f := &failures{TB: t}
	s := Start(f)
	c := dial(t, s)
	c.redis("-ERR fakessdb does not implement lpush|", "LPUSH", "l", "1")
	s.Set("", "1", 0)
	s.Set(strings.Repeat("k", 256), "1", 0)
	s.Stop()
	if len(f.list) != 3 {
		t.Errorf("errors: %q", f.list)
	}
}

func TestConcurrentCounters(t *testing.T) {
	s := Start(t)
	var wg sync.WaitGroup
	for range 4 {
		c := dial(t, s)
		wg.Go(func() {
			for range 50 {
				io.WriteString(c, blocks("incr", "n"))
				c.in.ReadString('\n')
			}
		})
	}
	wg.Wait()
	eventually(t, "a count was lost", func() bool { value, _ := s.Value("n"); return value == "200" })
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		s     string
		n     int64
		whole bool
		limit uint64
	}{
		{"", 0, true, 0},
		{"12", 12, true, 12},
		{" +12", 12, true, 12},
		{"12x", 12, false, 12},
		{"-1", -1, true, 1<<64 - 1},
		{"-", 0, false, 0},
		{"1.5", 1, false, 1},
		{"9223372036854775808", 1<<63 - 1, true, 1 << 63},
		{"-9223372036854775809", -1 << 63, true, 1<<63 - 1},
		{"99999999999999999999", 1<<63 - 1, true, 1<<64 - 1},
	} {
		if n, whole := number(tt.s); n != tt.n || whole != tt.whole {
			t.Errorf("number(%q) = %d, %v", tt.s, n, whole)
		}
		if got := unsigned(tt.s); got != tt.limit {
			t.Errorf("unsigned(%q) = %d", tt.s, got)
		}
	}
}
