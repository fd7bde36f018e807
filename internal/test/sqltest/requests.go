package sqltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// visitor begins a session with a value and returns its Cookie header.
func visitor(t testing.TB, m *session.Manager) string {
	t.Helper()
	w := httptest.NewRecorder()
	s, err := m.Start(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if err == nil {
		err = s.Set(t.Context(), "name", "ann")
	}
	if err == nil {
		err = s.Save(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return cookie
}

// start starts the session of a cookie.
func start(m *session.Manager, cookie string) (*session.Session, error) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", cookie)
	s, err := m.Start(httptest.NewRecorder(), r)
	if err == nil && s.Get(r.Context(), "name") != "ann" {
		err = fmt.Errorf("not the session of the cookie")
	}
	return s, err
}

// pool lets 64 visitors at a time read their sessions, 10,000 times, in handlers that never release. It checks that no more
// connections are used than the pool allows, and that none is kept.
func (e Engine) pool(t *testing.T) {
	const limit = 4
	app := e.app(t, e.Empty(t), limit)
	m := Manager(t, app.Provider(), session.CfgOpTimeout(time.Minute)) // waiters get connections in random order
	cookie := visitor(t, m)
	most := atomic.Int64{}
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			open, _ := app.Conns()
			most.Store(max(most.Load(), int64(open)))
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	want := int64(10_000)
	if e.Server == nil && raced {
		want = 2000
	}
	begin := time.Now()
	var requests atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for requests.Add(1) <= want {
				if _, err := start(m, cookie); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	watch.Wait()
	_, used := app.Conns()
	t.Logf("%d requests in %v, at most %d connections", want, time.Since(begin).Round(time.Millisecond), most.Load())
	if most.Load() > limit || used != 0 {
		t.Errorf("%d connections were open and %d are in use, want at most %d and none", most.Load(), used, limit)
	}
}

// exhausted takes all connections. It checks that a call waits for one as long as its context allows, and that the next
// call works when they have been returned.
func (e Engine) exhausted(t *testing.T) {
	app := e.app(t, e.Empty(t), 2)
	m := Manager(t, app.Provider(), session.CfgOpTimeout(time.Minute))
	cookie := visitor(t, m)
	b, err := app.Open(t.Context(), driver.Config{})
	check(t, err)
	t.Cleanup(func() { b.(io.Closer).Close() })
	var back []func()
	for range 2 {
		giveBack, err := app.Take(t.Context())
		check(t, err)
		back = append(back, giveBack)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Load(ctx, "any", new(driver.Record)); !errors.Is(err, context.Canceled) { // there is no connection until then
		t.Errorf("Load with a cancelled context: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.Header.Set("Cookie", cookie)
	begin := time.Now()
	if _, err := m.Start(httptest.NewRecorder(), r); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 4*time.Second {
		t.Errorf("Start without a connection: %v after %v, want an error after 1s", err, time.Since(begin))
	}
	for _, giveBack := range back {
		giveBack()
	}
	if _, err := start(m, cookie); err != nil {
		t.Errorf("Start with a connection again: %v", err)
	}
}

// markTrips counts the round trips of calls that involve marks, and of a rename without a mark.
func (e Engine) markTrips(t *testing.T) {
	wire, config := e.proxied(t)
	b, err := e.Node(t.Context(), driver.Config{Config: config})
	check(t, err)
	t.Cleanup(func() { b.(io.Closer).Close() })
	ctx, m, r := t.Context(), b.(driver.Marker), b.(driver.Renamer)
	mark := driver.Mark{Kind: 1, Target: []byte("t"), Expires: time.Now().Add(time.Hour)}
	marked := map[string]int{"mysql": 2}[e.Driver]
	for _, tt := range []struct {
		name   string
		create bool
		do     func(key string, rec *driver.Record) error
		want   int
	}{
		{"Rename", true, func(key string, rec *driver.Record) error {
			return r.Rename(ctx, key, 1, key[1:]+"A", rec, driver.Mark{})
		}, 1},
		{"Rename with a mark", true, func(key string, rec *driver.Record) error { return r.Rename(ctx, key, 1, key[1:]+"A", rec, mark) }, max(1, marked)},
		{"Mark of a record", true, func(key string, _ *driver.Record) error { return m.Mark(ctx, key, 1, mark) }, 1},
		{"Mark of nothing", false, func(key string, _ *driver.Record) error { return m.Mark(ctx, key, 0, mark) }, 1},
	} {
		for round := range 3 { // the first round prepares the statements
			key := sessiontest.Key(tt.name + strconv.Itoa(round))
			rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)}
			if tt.create {
				check(t, b.Create(ctx, key, rec))
			}
			wire.ResetTrips()
			check(t, tt.do(key, rec))
			if got := wire.Trips(); round > 0 && got != tt.want {
				t.Errorf("%s: %d round trips, want %d", tt.name, got, tt.want)
			}
			wire.ResetTrips()
			err := b.Load(ctx, key, rec)
			_, isMarked := errors.AsType[*driver.MarkedError](err)
			if got := wire.Trips(); !errors.Is(err, session.ErrNotFound) || isMarked != (tt.name != "Rename") || round > 0 && got != 1 {
				t.Errorf("Load after %s: %v after %d round trips", tt.name, err, got)
			}
		}
	}
}

// trips counts the round trips of requests: reading takes one, changing one more, and a touch that is not due none.
func (e Engine) trips(t *testing.T) {
	wire, config := e.proxied(t)
	m := Manager(t, e.Provider(), session.CfgProviderConfig(config))
	touching := Manager(t, e.Provider(), session.CfgProviderConfig(config), session.CfgTouchInterval(-1))
	cookie := visitor(t, m)
	read := func(*session.Session) error { return nil }
	write := func(s *session.Session) error { return s.Set(context.Background(), "n", time.Now().UnixNano()) }
	for _, tt := range []struct {
		name string
		m    *session.Manager
		do   func(s *session.Session) error
		want int
	}{
		{"read", m, read, 1},
		{"changed", m, write, 2},
		{"touched", touching, read, 2},
	} {
		for round := range 3 { // the first round prepares the statements
			time.Sleep(2 * time.Millisecond)
			wire.ResetTrips()
			s, err := start(tt.m, cookie)
			if err == nil {
				err = tt.do(s)
			}
			if err == nil {
				err = s.Save(context.Background())
			}
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if got := wire.Trips(); round > 0 && got != tt.want {
				t.Errorf("%s: %d round trips, want %d", tt.name, got, tt.want)
			}
		}
	}
}
