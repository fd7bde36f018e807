package redis_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// TestDoneOnAnotherNode measures how long after a logout on one node another hears of it.
func TestDoneOnAnotherNode(t *testing.T) {
	addr := empty(t)
	faulttest.Told(t, func() *session.Manager {
		m, err := session.New(redis.New(bare(t, addr)), session.NewManagerConfig(session.CfgNamespace("done")))
		must(t, err)
		return m
	})
}

// TestDoneAfterABreak ends a session while the connections are broken.
func TestDoneAfterABreak(t *testing.T) {
	addr := empty(t)
	proxy := servertest.NewProxy(t, addr)
	config := func(addr string) *session.ManagerConfig {
		return session.NewManagerConfig(session.CfgNamespace("break"), session.CfgProviderConfig(addr))
	}
	m, err := session.NewManager("redis", config(proxy.Addr))
	must(t, err)
	t.Cleanup(func() { m.Close() })
	other, err := session.NewManager("redis", config(addr))
	must(t, err)
	t.Cleanup(func() { other.Close() })
	for name, outage := range map[string]func() (end func()){
		"refused":   func() func() { proxy.Refuse(true); proxy.Reset(); return func() { proxy.Refuse(false) } },
		"blackhole": func() func() { proxy.Blackhole(true); return func() { proxy.Blackhole(false) } },
	} {
		t.Run(name, func(t *testing.T) {
			faulttest.ToldAfter(t, m, other, outage)
		})
	}
}

// TestDoneWithoutTheRight is of an ACL user who may not subscribe: then the sessions are looked at.
func TestDoneWithoutTheRight(t *testing.T) {
	t.Parallel()
	s := servertest.StartRedis(t, servertest.RedisOptions{ACL: []string{
		"user default off", "user app on >secret ~* resetchannels +@all -subscribe -publish",
	}})
	m, err := session.NewManager("redis", session.NewManagerConfig(
		session.CfgProviderConfig(`{"addr": "`+s.Addr+`", "username": "app", "password": "secret"}`)))
	must(t, err)
	t.Cleanup(func() { m.Close() })
	other, err := session.NewManager("redis", session.NewManagerConfig(
		session.CfgProviderConfig(`{"addr": "`+s.Addr+`", "username": "app", "password": "secret"}`)))
	must(t, err)
	t.Cleanup(func() { other.Close() })
	sess, err := m.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	must(t, err)
	must(t, sess.Login(t.Context(), "ann"))
	done := sess.Done()
	if n, err := other.DestroyUser(t.Context(), "ann"); n != 1 || err != nil {
		t.Fatalf("DestroyUser = %d, %v", n, err)
	}
	select {
	case <-done:
	case <-time.After(session.PollInterval + 10*time.Second):
		t.Error("nobody has looked")
	}
}
