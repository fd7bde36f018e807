package redis_test

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// faults are how a server fails.
var faults = []struct {
	name   string
	server servertest.RedisOptions
	fails  faulttest.Fails
	fail   func(t *testing.T, f *faulty, r *faulttest.Round)
}{
	{"crash", servertest.RedisOptions{Append: true}, faulttest.Some, crash},
	{"restart", servertest.RedisOptions{Append: true}, faulttest.Some, restart},
	{"scripts forgotten", servertest.RedisOptions{}, faulttest.None, forgetScripts},
	{"memory full", servertest.RedisOptions{}, faulttest.Some, fillMemory},
	{"demoted", servertest.RedisOptions{}, faulttest.Some, demote},
	{"no answer", servertest.RedisOptions{}, faulttest.Some, swallow},
	{"server halted", servertest.RedisOptions{}, faulttest.Some, halt},
	{"reset amid a reply", servertest.RedisOptions{}, faulttest.Some, cut((*servertest.Proxy).ResetAfter)},
	{"reply cut short", servertest.RedisOptions{}, faulttest.Some, cut((*servertest.Proxy).TruncateAfter)},
	{"beego mode, reset amid a reply", servertest.RedisOptions{}, faulttest.Some, cut((*servertest.Proxy).ResetAfter)},
	{"connections reset", servertest.RedisOptions{}, faulttest.Maybe, reset},
}

// TestFault has a server fail while clients use sessions: what was acknowledged is there afterwards, nothing was made
// twice, nobody has lost a session, and everybody is served again.
func TestFault(t *testing.T) {
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, tt.server)
			faulttest.Run(t, faulttest.Setup{
				Open:    nodes(redis.Open, f.proxy.Addr, session.CfgBeego(strings.HasPrefix(tt.name, "beego"))),
				Refused: notMade, Fails: tt.fails,
			}, func(r *faulttest.Round) { tt.fail(t, f, r) })
		})
	}
}

// A faulty is a server with a proxy before it.
type faulty struct {
	server *servertest.Server
	proxy  *servertest.Proxy
	admin  *goredis.Client
}

func newFaulty(t *testing.T, o servertest.RedisOptions) *faulty {
	t.Helper()
	s := servertest.StartRedis(t, o)
	return &faulty{s, servertest.NewProxy(t, s.Addr), bare(t, s.Addr)}
}

// nodes returns how to open managers.
func nodes(open opener, config string, own ...session.ManagerConfigOpt) func(...session.ManagerConfigOpt) (*session.Manager, error) {
	own = append(own, session.CfgProviderConfig(config))
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		return session.New(session.NewProvider(open), session.NewManagerConfig(slices.Concat(opts, own)...))
	}
}

// notMade reports whether a server has answered with an error, or was never asked.
func notMade(err error) bool {
	_, answered := errors.AsType[goredis.Error](err)
	dial := &net.OpError{}
	return answered || errors.As(err, &dial) && dial.Op == "dial"
}

// plain is a fault of the server or of the way to it.
func plain(fault func(t testing.TB, f *faulty) faulttest.Fault) func(t *testing.T, f *faulty, r *faulttest.Round) {
	return func(t *testing.T, f *faulty, r *faulttest.Round) { fault(t, f)(r) }
}

var (
	crash   = plain(func(t testing.TB, f *faulty) faulttest.Fault { return faulttest.Crash(t, f.server) })
	restart = plain(func(t testing.TB, f *faulty) faulttest.Fault { return faulttest.Restart(t, f.server) })
	halt    = plain(func(t testing.TB, f *faulty) faulttest.Fault { return faulttest.Halt(t, f.server) })
	swallow = plain(func(_ testing.TB, f *faulty) faulttest.Fault { return faulttest.Swallow(f.proxy) })
	reset   = plain(func(_ testing.TB, f *faulty) faulttest.Fault { return faulttest.Disconnect(f.proxy.Reset) })
)

func cut(after func(p *servertest.Proxy, n int)) func(t *testing.T, f *faulty, r *faulttest.Round) {
	return plain(func(_ testing.TB, f *faulty) faulttest.Fault { return faulttest.Cut(f.proxy, after) })
}

func forgetScripts(t *testing.T, f *faulty, r *faulttest.Round) {
	r.Broken()
	done := make(chan struct{})
	var flushing sync.WaitGroup
	flushing.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				f.admin.ScriptFlush(context.Background())
			}
		}
	})
	r.Answers(300)
	close(done)
	flushing.Wait()
}

// fillMemory sets the limit below what is in use. The policy is noeviction unless said otherwise.
func fillMemory(t *testing.T, f *faulty, r *faulttest.Round) {
	r.Broken()
	must(t, f.admin.ConfigSet(t.Context(), "maxmemory", "100kb").Err())
	r.Failures(60)
	must(t, f.admin.ConfigSet(t.Context(), "maxmemory", "0").Err())
}

// demote makes the server a replica of another, which takes its place with all that was acknowledged; the address
// goes to that one a while later.
func demote(t *testing.T, f *faulty, r *faulttest.Round) {
	other := servertest.StartRedis(t, servertest.RedisOptions{
		Config: []string{"replicaof " + strings.Replace(f.server.Addr, ":", " ", 1)},
	})
	c := bare(t, other.Addr)
	host, port, _ := strings.Cut(other.Addr, ":")
	awaitInfo(t, f.admin, "port="+port+",state=online")
	r.Broken()
	must(t, f.admin.Do(t.Context(), "failover", "to", host, port).Err())
	awaitInfo(t, c, "role:master")
	r.Failures(20)
	f.proxy.SetTarget(other.Addr)
	f.proxy.Reset() // what only reads would go on asking the replica
	f.server, f.admin = other, c
}

func awaitInfo(t *testing.T, c *goredis.Client, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(c.Info(t.Context(), "replication").Val(), want); {
		if time.Now().After(end) {
			t.Fatalf("INFO replication has no %s after a minute", want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestFaultClientGone has the client hang up while its save is on the way to the server.
func TestFaultClientGone(t *testing.T) {
	proxy := servertest.NewProxy(t, empty(t))
	m, err := nodes(redis.Open, proxy.Addr)()
	must(t, err)
	defer m.Close()
	r := httptest.NewRequest("GET", "/", nil)
	_, err = m.Start(httptest.NewRecorder(), r)
	must(t, err)
	for name, release := range map[string]func(ctx context.Context, s *session.Session){
		"Save":           func(ctx context.Context, s *session.Session) { must(t, s.Save(ctx)) },
		"SessionRelease": func(ctx context.Context, s *session.Session) { s.SessionRelease(ctx, httptest.NewRecorder()) },
	} {
		ctx, hangUp := context.WithCancel(t.Context())
		s, err := m.Start(httptest.NewRecorder(), r.WithContext(ctx))
		must(t, err)
		must(t, s.Set(ctx, name, "saved"))
		proxy.SetLatency(300 * time.Millisecond)
		trips := proxy.Trips()
		go func() {
			for proxy.Trips() == trips && t.Context().Err() == nil { // until the save is on its way
				time.Sleep(time.Millisecond)
			}
			hangUp()
		}()
		release(ctx, s)
		proxy.SetLatency(0)
		if ctx.Err() == nil {
			t.Error("the save was over before the client hung up")
		}
		s, err = m.Start(httptest.NewRecorder(), r)
		must(t, err)
		if got := s.Get(t.Context(), name); got != "saved" {
			t.Errorf("%s: %v", name, got)
		}
	}
}
