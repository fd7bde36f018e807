package framing_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/seed1a8f7c28/session/internal/framing"
)

// An answer is a connection on which a server has sent something.
type answer struct {
	net.Conn
	rest   string
	cuts   []byte // how many bytes each read gets, one more than it says; all in the end
	closed bool
}

func (a *answer) Read(p []byte) (int, error) {
	if a.rest == "" {
		return 0, io.EOF
	}
	n := len(p)
	if len(a.cuts) > 0 {
		n, a.cuts = min(n, int(a.cuts[0])+1), a.cuts[1:]
	}
	n = copy(p[:n], a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

func (a *answer) Close() error { a.closed = true; return nil }

type protocol = func(net.Conn) net.Conn

// read returns what a client sees of text. Of a refused one it has to see what was before the read that ended it.
func read(t testing.TB, p protocol, text string, cuts []byte) error {
	t.Helper()
	a := &answer{rest: text, cuts: cuts}
	c := p(a)
	got, err := io.ReadAll(c)
	if !strings.HasPrefix(text, string(got)) || err == nil && len(got) != len(text) {
		t.Fatalf("%q became %q", text, got)
	}
	if a.closed != (err != nil) {
		t.Fatalf("%q: closed: %v, after %v", text, a.closed, err)
	}
	if _, again := c.Read(make([]byte, 1)); err != nil && again != err {
		t.Fatalf("%q: Read after %v returns %v", text, err, again)
	}
	return err
}

// ones cuts text into single bytes.
func ones(text string) []byte { return make([]byte, len(text)) }

// refusals are beginnings of answers, and what is said of them.
var refusals = []struct {
	name string
	protocol
	text string
	says string // "" for nothing
}{
	{"string", framing.Redis, "$67108864\r\n", ""},
	{"too long a string", framing.Redis, "$67108865\r\n", "67108864 bytes"},
	{"near 2^63", framing.Redis, "$9223372036854775800\r\n", "67108864 bytes"},
	{"over 2^64", framing.Redis, "+OK\r\n$18446744073709551626\r\n", "67108864 bytes"},
	{"verbatim string", framing.Redis, "=67108865\r\n", "67108864 bytes"},
	{"error", framing.Redis, "!67108865\r\n", "67108864 bytes"},
	{"text", framing.Redis, "+" + strings.Repeat("x", 65534) + "\r\n", ""},
	{"too long a text", framing.Redis, "+" + strings.Repeat("x", 65537), "bytes"},
	{"list", framing.Redis, "*4194304\r\n", ""},
	{"too long a list", framing.Redis, "*4194305\r\n", "4194304 elements"},
	{"set", framing.Redis, "~2000000000\r\n", "4194304 elements"},
	{"push", framing.Redis, ">2000000000\r\n", "4194304 elements"},
	{"map", framing.Redis, "%2097152\r\n", ""},
	{"too large a map", framing.Redis, "%2097153\r\n", "4194304 elements"},
	{"attribute", framing.Redis, "|2097153\r\n", "4194304 elements"},
	{"lists in a list", framing.Redis, "*3\r\n*2000000\r\n*2000000\r\n*2000000\r\n", "4194304 elements"},
	{"a list after others", framing.Redis, "*2\r\n*1\r\n:1\r\n*4194303\r\n", ""},
	{"deep", framing.Redis, strings.Repeat("*1\r\n", 32) + ":1\r\n", ""},
	{"too deep", framing.Redis, strings.Repeat("*1\r\n", 33), "32 lists"},
	{"attributes in a row", framing.Redis, strings.Repeat("|0\r\n", 2), "not understood"},
	{"attribute in an attribute", framing.Redis, "|1\r\n|", "not understood"},
	{"attribute of nothing", framing.Redis, "|-1\r\n", "not understood"},
	{"no type", framing.Redis, "x", "not understood"},
	{"no length", framing.Redis, "$\r\n", "not understood"},
	{"less than nothing", framing.Redis, "$-2\r\n", "not understood"},
	{"minus", framing.Redis, "$-\r\n", "not understood"},
	{"minuses", framing.Redis, "*--1\r\n", "not understood"},
	{"plus", framing.Redis, "$+5\r\n", "not understood"},
	{"stream", framing.Redis, "$?\r\n", "not understood"},
	{"zeros", framing.Redis, "*" + strings.Repeat("0", 21), "not understood"},
	{"length without end", framing.Redis, "$5\n", "not understood"},
	{"length without its whole end", framing.Redis, "$5\r5", "not understood"},

	{"value", framing.Memcached, "VALUE k 0 67108864 1\r\n", ""},
	{"too long a value", framing.Memcached, "VALUE k 0 67108865 1\r\n", "67108864 bytes"},
	{"too long a value without a unique", framing.Memcached, "END\r\nVALUE k 0 2000000000\r\n", "67108864 bytes"},
	{"over 2^64", framing.Memcached, "VALUE k 0 18446744073709551626\r\n", "67108864 bytes"},
	{"no length", framing.Memcached, "VALUE k 0 \r\n", "not understood"},
	{"less than nothing", framing.Memcached, "VALUE k 0 -1\r\n", "not understood"},
	{"length without end", framing.Memcached, "VALUE k 0 5\n", "not understood"},
	{"length without its whole end", framing.Memcached, "VALUE k 0 5\r5", "not understood"},
	{"another line", framing.Memcached, "VALUES k 0 2000000000\r\nSTAT n 2000000000\r\nVALUE\r\nVALUE k\r\nVALUE k 0\r\n\r\n", ""},
}

func TestRefusals(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			for _, cuts := range [][]byte{nil, ones(tt.text)} {
				err := read(t, tt.protocol, tt.text, cuts)
				if (err != nil) != (tt.says != "") || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%.60q: %v, want an error that says %q", tt.text, err, tt.says)
				}
			}
		})
	}
}

// TestAfterAValue has what looks like a header inside values and texts, and one after them.
func TestAfterAValue(t *testing.T) {
	const redis, memcached = "$99999999999\r\n", "VALUE k 0 9999999999\r\n"
	for _, tt := range []struct {
		protocol
		text, refused string
	}{
		{framing.Redis, "$14\r\n" + redis + "\r\n*2\r\n+" + redis + "*-1\r\n%1\r\n$-1\r\n#t\r\n|1\r\n+a\r\n,1.5\r\n_\r\n", redis},
		{framing.Memcached, "VALUE k 0 22 7\r\n" + memcached + "\r\nEND\r\nVALUE k 0 0\r\n\r\nEND\r\nVERSION " + memcached, memcached},
	} {
		for _, cuts := range [][]byte{nil, ones(tt.text)} {
			if err := read(t, tt.protocol, tt.text, cuts); err != nil {
				t.Errorf("%q: %v", tt.text, err)
			}
			if read(t, tt.protocol, tt.text+tt.refused, cuts) == nil {
				t.Errorf("%q passes", tt.text+tt.refused)
			}
		}
	}
}

// TestReadAlloc checks that following costs no allocation.
func TestReadAlloc(t *testing.T) {
	text := strings.Repeat("*2\r\n$5\r\nhello\r\n:1\r\n", 10)
	a := new(answer)
	c, p := framing.Redis(a), make([]byte, 64)
	if n := testing.AllocsPerRun(100, func() {
		for a.rest = text; a.rest != ""; {
			if _, err := c.Read(p); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestSyscallConn checks that go-redis can look at a connection as if it were not followed.
func TestSyscallConn(t *testing.T) {
	if _, ok := framing.Redis(&net.TCPConn{}).(syscall.Conn); !ok {
		t.Error("a followed TCP connection is no syscall.Conn")
	}
	if _, ok := framing.Redis(new(answer)).(syscall.Conn); ok {
		t.Error("a followed connection is a syscall.Conn, and what it follows is none")
	}
}

// A source makes answers of bytes.
type source struct {
	bytes []byte
	text  bytes.Buffer
}

func (s *source) next(n int) int {
	if len(s.bytes) == 0 {
		return 0
	}
	b := s.bytes[0]
	s.bytes = s.bytes[1:]
	return int(b) % n
}

func (s *source) write(parts ...string) {
	for _, part := range parts {
		s.text.WriteString(part)
	}
}

// value takes up to 20 bytes.
func (s *source) value() string {
	n := min(s.next(20), len(s.bytes))
	v := string(s.bytes[:n])
	s.bytes = s.bytes[n:]
	return v
}

// line is a value that is on one line.
func (s *source) line() string { return strings.NewReplacer("\r", "r", "\n", "n").Replace(s.value()) }

// fuzz holds a protocol to two things: what valid makes passes unchanged, however it is cut, and of what a server may
// send nothing is a panic, nor seen otherwise for how it is cut.
func fuzz(f *testing.F, p protocol, valid func(s *source)) {
	for _, tt := range refusals {
		if len(tt.text) < 100 {
			f.Add([]byte(tt.text), []byte{0, 5, 1})
		}
	}
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		s := &source{bytes: data}
		for len(s.bytes) > 0 {
			valid(s)
		}
		if err := read(t, p, s.text.String(), cuts); err != nil {
			t.Errorf("%q: %v", &s.text, err)
		}
		whole := read(t, p, string(data), nil)
		for _, cuts := range [][]byte{cuts, ones(string(data))} {
			if err := read(t, p, string(data), cuts); !errors.Is(err, whole) {
				t.Errorf("%q: %v, and cut: %v", data, whole, err)
			}
		}
	})
}

// BenchmarkRead reads what answers one load, of a session with 500 bytes.
func BenchmarkRead(b *testing.B) {
	text := "$500\r\n" + strings.Repeat("x", 500) + "\r\n:1790000000000\r\n"
	a := new(answer)
	c, p := framing.Redis(a), make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		a.rest = text
		if _, err := c.Read(p); err != nil {
			b.Fatal(err)
		}
	}
}
