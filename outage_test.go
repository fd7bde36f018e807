package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A reports is a Logger's output and an ErrorHandler's errors.
type reports struct {
	mu     sync.Mutex
	lines  bytes.Buffer
	errs   []error
	writer bool // the ErrorHandler was given a ResponseWriter once
}

func (r *reports) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.Write(p)
}

func (r *reports) handle(w http.ResponseWriter, _ *http.Request, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
	r.writer = r.writer || w != nil
}

// options have a manager log and report to r.
func (r *reports) options() []session.ManagerConfigOpt {
	return []session.ManagerConfigOpt{
		session.CfgLogger(slog.New(slog.NewTextHandler(r, nil))), session.CfgErrorHandler(r.handle),
		session.CfgMarkLifetime(-1), // the engines of these tests are no Markers, which would be logged
	}
}

// taken returns what has come since the last call.
func (r *reports) taken() (log string, errs []error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	log, errs = r.lines.String(), r.errs
	r.lines.Reset()
	r.errs = nil
	return log, errs
}

// silentSoFar fails the test if anything was logged or reported.
func (r *reports) silentSoFar(t testing.TB) {
	t.Helper()
	if log, errs := r.taken(); log != "" || len(errs) > 0 {
		t.Errorf("logged %q, reported %v", log, errs)
	}
}

// A chore is what a request does with its session, as an application would write it. It ends at the first
// error.
type chore struct {
	name    string
	visitor bool // it comes without a session
	ends    bool // the session is over afterwards
	moves   bool // the sid is another one afterwards
	do      func(m *session.Manager, w http.ResponseWriter, r *http.Request) error
}

var chores = []chore{
	{name: "start of a visitor", visitor: true, do: func(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		_, err := m.Start(w, r)
		return err
	}},
	{name: "start", do: func(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		_, err := m.Start(w, r)
		return err
	}},
	{name: "set and save", do: func(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		s, err := m.Start(w, r)
		return first(err, func() error { return s.Set(r.Context(), "new", 1) }, func() error { return s.Save(r.Context()) })
	}},
	{name: "set and save of a visitor", visitor: true, do: func(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		s, err := m.Start(w, r)
		return first(err, func() error { return s.Set(r.Context(), "new", 1) }, func() error { return s.Save(r.Context()) })
	}},
	{name: "touch", do: func(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		s, err := m.Start(w, r)
		return first(err, func() error { return s.Save(r.Context()) })
	}},
	{name: "regenerate", moves: true, do: func(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		_, err := m.Regenerate(w, r)
		return err
	}},
	{name: "login", moves: true, do: func(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		s, err := m.Start(w, r)
		return first(err, func() error { return s.Set(r.Context(), "user", "ann") },
			func() error { return s.Regenerate(r.Context()) },
			func() error { return s.Set(r.Context(), "seen", 1) },
			func() error { return s.Save(r.Context()) })
	}},
	{name: "destroy", ends: true, do: func(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		return m.Destroy(w, r)
	}},
	{name: "start and destroy", ends: true, do: func(m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		s, err := m.Start(w, r)
		return first(err, func() error { return s.Set(r.Context(), "last", "words") }, func() error { return m.Destroy(w, r) })
	}},
}

// first runs steps until one fails.
func first(err error, steps ...func() error) error {
	for _, step := range steps {
		if err == nil {
			err = step()
		}
	}
	return err
}

// handled is c as a handler behind m's Handler. An error is answered with 500.
func (c chore) handled(m *session.Manager, failed *error) http.Handler {
	return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if *failed = c.do(m, w, r); *failed != nil {
			http.Error(w, "failed", http.StatusInternalServerError)
		}
	}))
}

// TestEachStoreCallFailing lets one call to the store after another fail, in each way that it can.
func TestEachStoreCallFailing(t *testing.T) {
	for _, c := range chores {
		for _, how := range []fault{refused, silent, unsaid} {
			for _, handler := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/handler=%v", c.name, how, handler), func(t *testing.T) {
					for nth, ops := 1, []string{""}; nth <= len(ops); nth++ {
						synctest.Test(t, func(t *testing.T) {
							if calls := c.failing(t, nth, how, handler); nth == 1 {
								ops = calls
							}
						})
					}
				})
			}
		}
	}
}

// failing runs c with the nth call failing, and returns the calls that c makes when none fails.
func (c chore) failing(t *testing.T, nth int, how fault, handler bool) []string {
	const opTimeout = 2 * time.Second
	f := newFaulty(t)
	m := newNode(t, f.provider(), session.CfgOpTimeout(opTimeout), session.CfgTouchInterval(-1), session.CfgCookieLifeTime(600),
		session.CfgLogger(slog.New(slog.DiscardHandler)))
	visit := func(b *client) (*httptest.ResponseRecorder, error) {
		w, r := httptest.NewRecorder(), b.request()
		if !handler {
			return w, c.do(m, w, r)
		}
		var err error
		c.handled(m, &err).ServeHTTP(w, r)
		if err == nil && w.Code == http.StatusServiceUnavailable {
			err = errors.New("not saved")
		}
		return w, err
	}
	fresh := func() *client {
		if c.visitor {
			return new(client)
		}
		b := seed(t, m, map[any]any{"cart": "book"})
		time.Sleep(time.Minute) // due for renewal
		return b
	}

	f.heal()
	b := fresh()
	f.heal()
	if _, err := visit(b); err != nil {
		t.Fatal("without a fault:", err)
	}
	ops := f.ops()
	if nth > len(ops) {
		t.Fatalf("no call %d: %v", nth, ops)
	}

	f.heal()
	b = fresh()
	old, before := b.cookie, f.records(t)
	f.plan(nth, how)
	began := time.Now()
	w, err := visit(b)
	what := fmt.Sprintf("call %d of %v", nth, ops)
	if took := time.Since(began); took > opTimeout {
		t.Errorf("%s: took %v", what, took)
	}
	// Handler itself does not spoil a response for an idle deadline that stays where it was.
	touch := ops[nth-1] == "touch" && c.name != "touch" || ops[nth-1] == "save" && c.name == "start" // which says when the cookie was sent
	if harmless := handler && touch; (err == nil) != harmless {
		t.Errorf("%s: error %v", what, err)
	}
	f.heal()
	if c.visitor && nth == 1 {
		if got := w.Header()["Set-Cookie"]; got != nil {
			t.Errorf("%s: Set-Cookie = %q", what, got)
		}
		if n := f.records(t); how != unsaid && n != before {
			t.Errorf("%s: %d records too many", what, n-before)
		}
	}
	b.take(w.Result())
	if !c.visitor && b.cookie != old && !c.moves {
		t.Errorf("%s: the cookie has changed", what)
	}
	if how == unsaid && (c.ends || c.moves) {
		return ops // the session may be over, and nobody can know
	}
	if !c.visitor && b.value(t, m, "cart") != "book" {
		t.Errorf("%s: the session is lost", what)
	}
	if b.cookie == old && !c.visitor && b.value(t, m, "user") != nil {
		t.Errorf("%s: logged in under the old sid", what)
	}
	w, err = visit(b)
	if err != nil {
		t.Errorf("%s: the next request fails: %v", what, err)
	}
	b.take(w.Result())
	if c.ends != (b.cookie == "") {
		t.Errorf("%s: after the next request the cookie is %q", what, b.cookie)
	}
	return ops
}

func TestAnOutageEndsNoSession(t *testing.T) {
	for _, how := range []fault{refused, silent} {
		t.Run(string(how), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFaulty(t)
				m := newNode(t, f.provider(), session.CfgLogger(slog.New(slog.DiscardHandler)))
				b := seed(t, m, map[any]any{"cart": "book"})
				cookie := b.cookie
				open := start(t, m, httptest.NewRecorder(), b.request())
				set(t, open, "open", true)
				f.down(how)
				for _, c := range chores {
					if c.visitor {
						continue
					}
					w, r := httptest.NewRecorder(), b.request()
					began := time.Now()
					if err := c.do(m, w, r); err == nil {
						t.Errorf("%s: no error", c.name)
					}
					if took := time.Since(began); took > 5*time.Second {
						t.Errorf("%s: took %v", c.name, took)
					}
					if got := w.Header()["Set-Cookie"]; got != nil {
						t.Errorf("%s: Set-Cookie = %q", c.name, got)
					}
				}
				if err := open.Save(t.Context()); err == nil {
					t.Error("Save: no error")
				}
				if _, err := m.GetSessionStore(b.sid()); err == nil || errors.Is(err, session.ErrNotFound) {
					t.Errorf("GetSessionStore: %v", err)
				}
				f.heal()
				save(t, open)
				if b.cookie != cookie || b.value(t, m, "cart") != "book" || b.value(t, m, "open") != true {
					t.Error("the session is not as it was")
				}
			})
		})
	}
}

// TestOneBudgetForWaitingAndCalling has many saves of one session wait for one that gets no answer.
func TestOneBudgetForWaitingAndCalling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty(t)
		m := newNode(t, f.provider(), session.CfgOpTimeout(time.Second), session.CfgLogger(slog.New(slog.DiscardHandler)))
		b := seed(t, m, nil)
		var open []*session.Session
		for i := range 20 {
			s := start(t, m, httptest.NewRecorder(), b.request())
			set(t, s, i, i)
			open = append(open, s)
		}
		f.down(silent)
		began := time.Now()
		var wg sync.WaitGroup
		for i, s := range open {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				began := time.Now()
				if err := s.Save(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Save = %v", err)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("Save took %v", took)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("all took %v", took)
		}
		f.heal()
		for _, s := range open {
			save(t, s)
		}
		for i := range open {
			if got := b.value(t, m, i); got != i {
				t.Errorf("%d = %v", i, got)
			}
		}
	})
}
