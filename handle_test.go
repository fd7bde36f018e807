package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// handle runs next as an application on another HTTP stack.
func handle(t *testing.T, m *session.Manager, x session.Exchange, next func(ctx context.Context, h session.Handled)) error {
	t.Helper()
	return m.HandleExchange(x, func(h session.Handled) { next(h.Context(context.Background()), h) })
}

func fromContext(t *testing.T, m *session.Manager, ctx context.Context) *session.Session {
	t.Helper()
	s, err := m.FromContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHandleExchangeSavesAtTheEnd(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	x := newForeign("theme=dark")
	err := handle(t, m, x, func(ctx context.Context, _ session.Handled) {
		set(t, fromContext(t, m, ctx), "a", 1)
		if f.records(t) != 0 || x.response["Set-Cookie"] != nil {
			t.Error("committed already")
		}
	})
	if err != nil || f.records(t) != 1 || len(x.response["Set-Cookie"]) != 1 {
		t.Errorf("%v, %d records, Set-Cookie %q", err, f.records(t), x.response["Set-Cookie"])
	}
	if x.request["Cookie"][0] != "theme=dark" {
		t.Error("the request was changed")
	}
	x = newForeign("")
	if err := handle(t, m, x, func(context.Context, session.Handled) {}); err != nil || len(x.response) != 0 {
		t.Errorf("a visitor without a session: %v, %v", err, x.response)
	}
	if m.HandleExchange(nil, func(session.Handled) {}) == nil {
		t.Error("no error without an Exchange")
	}
}

func TestHandleExchangeIsOneSession(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, map[any]any{"cart": "book"})
	x := &within{foreign: newForeign(c.cookie)}
	err := m.HandleExchange(x, func(h session.Handled) {
		x.ctx = h.Context(t.Context())
		s := fromContext(t, m, x.ctx)
		if started, err := m.StartExchange(x); err != nil || started != s {
			t.Error("StartExchange returns another Session", err)
		}
		again := false
		if err := m.HandleExchange(x, func(h session.Handled) {
			again = fromContext(t, m, h.Context(t.Context())) == s
		}); err != nil || !again {
			t.Error("HandleExchange inside returns another Session", err)
		}
		set(t, s, "a", 1)
		if regenerated, err := m.RegenerateExchange(x); err != nil || regenerated != s {
			t.Error("RegenerateExchange returns another Session", err)
		}
		if err := m.DestroyExchange(x); err != nil {
			t.Error(err)
		}
		if s := fromContext(t, m, x.ctx); s.Get(t.Context(), "cart") != nil {
			t.Error("not destroyed")
		}
	})
	if err != nil || m.GetActiveSession() != 0 {
		t.Errorf("%v, %d sessions", err, m.GetActiveSession())
	}
}

// within is an Exchange whose context is the one that Handled has made.
type within struct {
	*foreign
	ctx context.Context
}

func (x *within) Context() context.Context { return x.ctx }

func TestRegenerateExchange(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, map[any]any{"cart": "book"})
	x := newForeign(c.cookie)
	old, err := m.StartExchange(x)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.RegenerateExchange(x)
	if err != nil {
		t.Fatal(err)
	}
	set(t, old, "late", true)
	save(t, old)
	save(t, s)
	if alive(t, m, c.sid()) || len(x.response["Set-Cookie"]) != 1 {
		t.Error("not regenerated")
	}
	if s, err := m.GetSessionStore(s.SessionID(t.Context())); err != nil || s.Get(t.Context(), "late") != true {
		t.Error("the older Session's change did not follow", err)
	}
	if _, err := m.RegenerateExchange(nil); err == nil {
		t.Error("no error without an Exchange")
	}
}

// TestCommitBeforeTheEnd is for a stack that streams.
func TestCommitBeforeTheEnd(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, nil)
	x := newForeign(c.cookie)
	var late session.Handled
	var s *session.Session
	err := handle(t, m, x, func(ctx context.Context, h session.Handled) {
		late, s = h, fromContext(t, m, ctx)
		set(t, s, "a", 1)
		for range 2 {
			if err := h.Commit(); err != nil {
				t.Error(err)
			}
		}
		if c.value(t, m, "a") != 1 {
			t.Error("not saved at Commit")
		}
		if err := s.Regenerate(ctx); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Regenerate: %v", err)
		}
		set(t, s, "b", 1)
	})
	if err != nil || c.value(t, m, "b") != 1 {
		t.Errorf("%v, b = %v", err, c.value(t, m, "b"))
	}
	set(t, s, "c", 1)
	late.Save()
	if c.value(t, m, "c") != 1 {
		t.Error("not saved at Save")
	}
}

func TestHandleExchangeReturnsAFailedSave(t *testing.T) {
	for _, streams := range []bool{false, true} {
		var got reports
		f := newFaulty(t)
		m := newNode(t, f.provider(), got.options()...)
		x := newForeign("")
		err := handle(t, m, x, func(ctx context.Context, h session.Handled) {
			set(t, fromContext(t, m, ctx), "a", 1)
			x.response["Location"], x.response["X-Frame-Options"] = []string{"/next"}, []string{"DENY"}
			f.down(refused)
			if streams {
				for range 2 {
					if err := h.Commit(); !errors.Is(err, errDown) {
						t.Errorf("Commit: %v", err)
					}
				}
			}
		})
		if !errors.Is(err, errDown) {
			t.Errorf("HandleExchange: %v", err)
		}
		if _, errs := got.taken(); len(errs) != 1 || got.writer {
			t.Errorf("reported %v, with a ResponseWriter: %v", errs, got.writer)
		}
		if x.response["Set-Cookie"] != nil || len(x.response["Location"]) > 0 || len(x.response["X-Frame-Options"]) != 1 {
			t.Errorf("header %v", x.response)
		}
	}
}

// answering is an Exchange on which ErrorHandler can answer.
type answering struct {
	*foreign
	w *httptest.ResponseRecorder
}

func (x answering) Answer() (http.ResponseWriter, *http.Request) {
	return x.w, httptest.NewRequest("GET", "/", nil)
}

func TestAnAnswererIsAnswered(t *testing.T) {
	var got reports
	f := newFaulty(t)
	m := newNode(t, f.provider(), got.options()[0])
	x := answering{newForeign(""), httptest.NewRecorder()}
	err := handle(t, m, x, func(ctx context.Context, h session.Handled) {
		set(t, fromContext(t, m, ctx), "a", 1)
		f.down(refused)
		if h.Commit() == nil {
			t.Error("Commit: no error")
		}
	})
	if err != nil || x.w.Code != http.StatusServiceUnavailable {
		t.Errorf("%v, status %d", err, x.w.Code)
	}
}

func TestAPanicUnderHandleExchangeSavesNothing(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, nil)
	x := newForeign(c.cookie)
	var late session.Handled
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not arrive")
			}
		}()
		_ = handle(t, m, x, func(ctx context.Context, h session.Handled) {
			late = h
			set(t, fromContext(t, m, ctx), "a", 1)
			panic("half way")
		})
	}()
	late.Save()
	if c.value(t, m, "a") != nil {
		t.Error("saved")
	}
}

// reused is an Exchange of a stack that keeps the values of a request itself, in a context that it uses again.
type reused struct {
	*foreign
	values map[any]any
}

func (x reused) Context() context.Context { return valuesContext{context.Background(), x.values} }

type valuesContext struct {
	context.Context
	values map[any]any
}

func (c valuesContext) Value(key any) any { return c.values[key] }

func TestHandledValue(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	x := reused{newForeign(""), make(map[any]any)}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	err := m.HandleExchange(x, func(h session.Handled) {
		key, value := h.Value()
		x.values[key] = value
		s := fromContext(t, m, valuesContext{over, x.values}) // a context that must not be waited with
		set(t, s, "a", 1)
	})
	if err != nil || f.records(t) != 1 {
		t.Errorf("%v, %d records", err, f.records(t))
	}
}

// committed is an Exchange that knows that its headers are sent.
type committed struct{ *foreign }

func (committed) Committed() bool { return true }

func TestACommitterPromisesNothingMore(t *testing.T) {
	m := newManager(t, session.CfgLazy(true))
	c := seed(t, m, map[any]any{"cart": "book"})
	s, err := m.StartExchange(committed{newForeign(c.cookie)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Regenerate(t.Context()); !errors.Is(err, session.ErrCommitted) {
		t.Errorf("Regenerate: %v", err)
	}
	set(t, s, "a", 1)
	save(t, s)
	if c.value(t, m, "a") != 1 {
		t.Error("a change that needs no header is not saved")
	}
	if s, err = m.StartExchange(committed{newForeign("")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "a", 1); !errors.Is(err, session.ErrCommitted) {
		t.Errorf("Set: %v", err)
	}
}
