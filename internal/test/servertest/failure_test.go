package servertest

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
)

// A probe is a test whose end is the result.
type probe struct {
	testing.TB
	ended string
}

func (p *probe) Fatalf(format string, args ...any) { p.end("fatal: " + fmt.Sprintf(format, args...)) }
func (p *probe) Fatal(args ...any)                 { p.end("fatal: " + fmt.Sprint(args...)) }
func (p *probe) Skipf(format string, args ...any)  { p.end("skip: " + fmt.Sprintf(format, args...)) }

func (p *probe) end(how string) {
	p.ended = how
	runtime.Goexit()
}

// endOf runs test and returns how it was ended.
func endOf(t *testing.T, test func(testing.TB)) string {
	t.Helper()
	p := &probe{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(p)
	}()
	<-done
	return p.ended
}

func TestServersOff(t *testing.T) {
	t.Setenv("SERVERS", "off")
	for server, start := range map[string]func(testing.TB){
		"redis":      func(t testing.TB) { StartRedis(t, RedisOptions{}) },
		"redis 2":    func(t testing.TB) { StartSentinel(t) },
		"redis 3":    func(t testing.TB) { StartCluster(t) },
		"postgresql": func(t testing.TB) { StartPostgres(t, SQLOptions{}) },
		"mariadb":    func(t testing.TB) { StartMariaDB(t, SQLOptions{}) },
		"pgbouncer":  func(t testing.TB) { StartPgBouncer(t, nil, "transaction", 1) },
		"memcached":  func(t testing.TB) { StartMemcached(t, MemcachedOptions{}) },
		"chromium":   func(t testing.TB) { Chromium(t) },
	} {
		server, _, _ = strings.Cut(server, " ")
		if got, want := endOf(t, start), "skip: SERVERS=off: left out, needs "+server; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMissingProgram(t *testing.T) {
	saved := programsTxt
	defer func() { programsTxt = saved }()
	programsTxt = "redis no-such-server some-package\n"
	want := "fatal: no-such-server is missing: install the Debian package some-package (make test does), or leave such tests out with SERVERS=off"
	t.Setenv("SERVERS", "")
	if got := endOf(t, func(t testing.TB) { StartRedis(t, RedisOptions{}) }); got != want && runtime.GOOS == "linux" {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFailedStartShowsTheLog(t *testing.T) {
	programs(t, "redis")
	got := endOf(t, func(t testing.TB) { StartRedis(t, RedisOptions{Config: []string{"no-such-setting 1"}}) })
	if !strings.HasPrefix(got, "fatal: ") || !strings.Contains(got, "Bad directive") {
		t.Errorf("got %q", got)
	}
}

func TestTakenPort(t *testing.T) {
	program := programs(t, "redis")["redis-server"]
	var taken []string
	s := launch(t, "redis", func(s *Server) error {
		if len(taken) < 2 {
			l, err := net.Listen("tcp", s.Addr)
			if err != nil {
				return err
			}
			t.Cleanup(func() { l.Close() })
			taken = append(taken, s.Addr)
		}
		return redisPlan(program, RedisOptions{})(s)
	})
	do(t, s, "PING")
	if len(taken) != 2 {
		t.Errorf("started on %s, with %v taken", s.Addr, taken)
	}
}
