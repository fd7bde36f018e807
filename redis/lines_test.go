package redis_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

const nobody = "127.0.0.1:1" // nothing listens there

// showLines is a role: a manager that cannot be opened, its Logger on standard output, and then a client that nobody
// has opened a provider with.
func showLines(addr string) error {
	out := slog.New(slog.NewTextHandler(os.Stdout, nil))
	_, err := session.NewManager("redis", session.NewManagerConfig(session.CfgProviderConfig(addr), session.CfgLogger(out)))
	if err == nil {
		return errors.New("NewManager succeeded")
	}
	c := goredis.NewClient(&goredis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	c.Ping(context.Background())
	return nil
}

// TestLinesInAProcess is about a process that sets no logger of go-redis' own: only what no provider is open for goes
// to standard error.
func TestLinesInAProcess(t *testing.T) {
	var logged, stderr bytes.Buffer
	cmd := proctest.Command("lines", nobody)
	cmd.Stdout, cmd.Stderr = &logged, &stderr
	must(t, cmd.Run())
	if !strings.Contains(logged.String(), "failed to dial") || !strings.Contains(logged.String(), "level=WARN") {
		t.Errorf("the Logger got %q, want a warning of the failed dial", &logged)
	}
	if n := strings.Count(stderr.String(), "failed to dial"); n != 1 || !strings.Contains(stderr.String(), " pool.go:") {
		t.Errorf("standard error got %q, want the one line of the client without a provider, as go-redis writes it", &stderr)
	}
}

// A sink is what a Logger writes to.
type sink struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// take returns what was written since it was called last.
func (s *sink) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

func newSink() (*sink, *slog.Logger) {
	s := new(sink)
	return s, slog.New(slog.NewTextHandler(s, nil))
}

// listen has go-redis tell the package of its lines, as it does where no test has silenced it, until the test ends.
func listen(t *testing.T) {
	goredis.SetLogger(redis.Lines)
	t.Cleanup(func() { goredis.SetLogger(silent{}) })
}

// TestLines has the connection to a server fail under several providers.
func TestLines(t *testing.T) {
	listen(t)
	proxy := servertest.NewProxy(t, empty(t))
	one, log1 := newSink()
	two, log2 := newSink()
	c := goredis.NewClient(&goredis.Options{Addr: proxy.Addr, MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	first := opened(t, redis.Open, driver.Config{Config: proxy.Addr, Logger: log1}).(store)
	opened(t, redis.Open, driver.Config{Config: proxy.Addr, Logger: log1})
	over, err := session.New(redis.New(c), session.NewManagerConfig(session.CfgLogger(log2)))
	must(t, err)
	one.take()
	two.take()

	proxy.Refuse(true)
	proxy.Reset()
	fails := func() {
		t.Helper()
		if err := c.Ping(t.Context()).Err(); err == nil {
			t.Fatal("a server that is down has answered")
		}
	}
	fails() // finds the connection ended
	one.take()
	two.take()
	fails()
	for name, got := range map[string]string{"two providers' Logger": one.take(), "another's Logger": two.take()} {
		if n := strings.Count(got, "failed to dial"); n != 1 || !strings.Contains(got, proxy.Addr) {
			t.Errorf("%s got %q, want one line that names the server", name, got)
		}
	}

	must(t, over.Close())
	must(t, first.Close())
	must(t, first.Close())
	fails()
	if one, two := one.take(), two.take(); strings.Count(one, "failed to dial") != 1 || two != "" {
		t.Errorf("after two of three were closed the Loggers got %q and %q, want one line for the one that is open", one, two)
	}
	if _, err := session.New(redis.New(c), session.NewManagerConfig(session.CfgLogger(log2))); err == nil {
		t.Fatal("New succeeded")
	}
	two.take()
	fails()
	if got := two.take(); got != "" {
		t.Errorf("the Logger of a provider that could not be opened got %q later", got)
	}
}

// TestLineLevels is about what a line is worth, and about what it must not show.
func TestLineLevels(t *testing.T) {
	got, log := newSink()
	b := opened(t, redis.Open, driver.Config{Config: empty(t), Logger: log}).(store)
	for _, tt := range []struct {
		format string
		args   []any
		level  slog.Level
		says   string
	}{
		{"sentinel: new master=%q addr=%q", []any{"mymaster", "10.0.0.1:6379"}, slog.LevelInfo, "10.0.0.1:6379"},
		{"sentinel: discovered new sentinel=%q for master=%q", []any{"10.0.0.2:26379", "mymaster"}, slog.LevelInfo, "10.0.0.2:26379"},
		{"sentinel: Sentinels master=%q failed: %s", []any{"mymaster", errors.New("refused")}, slog.LevelWarn, "refused"},
		{"putConn called with nil connection", nil, slog.LevelWarn, "nil connection"},
		{"push: error: %v", []any{errors.New(`redis: can't parse reply="secret" reading string`)}, slog.LevelWarn, "not understood"},
	} {
		redis.Lines.Printf(t.Context(), tt.format, tt.args...)
		line := got.take()
		if !strings.Contains(line, "level="+tt.level.String()) || !strings.Contains(line, tt.says) || strings.Contains(line, "secret") {
			t.Errorf("%q became %q, want level %v, %q and no part of an answer", tt.format, line, tt.level, tt.says)
		}
	}
	must(t, b.Ping(t.Context()))
}

// TestLinesOfABrokenLogger has a Logger panic in a goroutine of go-redis', where that would end the process.
func TestLinesOfABrokenLogger(t *testing.T) {
	got, log := newSink()
	config := driver.Config{Config: empty(t), Logger: slog.New(panics{log.Handler()})}
	opened(t, redis.Open, config)
	config.Logger = log
	opened(t, redis.Open, config)
	redis.Lines.Printf(t.Context(), "a line")
	if !strings.Contains(got.take(), "a line") {
		t.Error("the other Logger has not got the line")
	}
}

type panics struct{ slog.Handler }

func (panics) Handle(context.Context, slog.Record) error { panic("no room") }
