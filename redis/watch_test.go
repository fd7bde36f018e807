package redis_test

import (
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// TestDoneOnAnotherNode measures how long after a logout on one node another hears of it.
func TestDoneOnAnotherNode(t *testing.T) {
	addr, before := empty(t), runtime.NumGoroutine()
	open := func() *session.Manager {
		m, err := session.New(redis.New(bare(t, addr)), session.NewManagerConfig(session.CfgNamespace("done")))
		must(t, err)
		return m
	}
	m, other := open(), open()
	var took []time.Duration
	late := 0
	for range 100 {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		s, err := m.Start(w, r)
		must(t, err)
		must(t, s.Login(t.Context(), "ann"))
		must(t, s.Save(t.Context()))
		done := s.Done()
		if len(took) == 0 {
			time.Sleep(200 * time.Millisecond) // the subscription begins
		}
		begun := time.Now()
		if n, err := other.DestroyUser(t.Context(), "ann"); n != 1 || err != nil {
			t.Fatalf("DestroyUser = %d, %v", n, err)
		}
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody says that the session has ended")
		}
		d := time.Since(begun)
		took = append(took, d)
		if d > 250*time.Millisecond {
			late++
		}
	}
	slices.Sort(took)
	t.Logf("median %v, 95 of 100 within %v, all within %v", took[50], took[94], took[99])
	if late > 5 {
		t.Errorf("%d of 100 came later than 250 ms", late)
	}
	must(t, m.Close())
	must(t, other.Close())
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before+2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
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
			s, err := m.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			must(t, err)
			must(t, s.Login(t.Context(), "ann"))
			done := s.Done()
			time.Sleep(200 * time.Millisecond)
			end := outage()
			if n, err := other.DestroyUser(t.Context(), "ann"); n != 1 || err != nil {
				t.Fatalf("DestroyUser = %d, %v", n, err)
			}
			time.Sleep(300 * time.Millisecond)
			end()
			select {
			case <-done:
			case <-time.After(40 * time.Second):
				t.Error("nobody has looked after the break")
			}
		})
	}
}
