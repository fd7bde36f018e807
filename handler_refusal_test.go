package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// once returns an ErrorHandler that panics the first time.
func once() session.ManagerConfigOpt {
	panicked := false
	return session.CfgErrorHandler(func(http.ResponseWriter, *http.Request, error) {
		if !panicked {
			panicked = true
			panic(http.ErrAbortHandler)
		}
	})
}

// recovered calls f and recovers from its panic.
func recovered(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}

// TestAPanicOfErrorHandler lets ErrorHandler panic over a save that has failed, and the application recover. The response is
// refused all the same, and nothing is saved later.
func TestAPanicOfErrorHandler(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider(), once())
	c := seed(t, m, nil)
	c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set(t, current(t, m, r), "a", 1)
		f.down(refused)
		recovered(t, func() { fmt.Fprint(w, "stored") })
		f.heal()
		if _, err := fmt.Fprint(w, "stored"); err == nil {
			t.Error("the refused response was sent")
		}
	})).ServeHTTP)
	if v := c.value(t, m, "a"); v != nil {
		t.Errorf("stored after the response was refused: %v", v)
	}
}

// TestAPanicOfErrorHandlerAtCommit is the same on a stack that calls Commit.
func TestAPanicOfErrorHandlerAtCommit(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider(), once())
	c := seed(t, m, nil)
	err := handle(t, m, newForeign(c.cookie), func(ctx context.Context, h session.Handled) {
		set(t, fromContext(t, m, ctx), "a", 1)
		f.down(refused)
		recovered(t, func() { _ = h.Commit() })
		f.heal()
		if h.Commit() == nil {
			t.Error("the second Commit has no error")
		}
	})
	if v := c.value(t, m, "a"); v != nil {
		t.Errorf("HandleExchange returned %v, but the change is stored", err)
	}
}

// TestRemovingNothingAfterTheHeaders removes what is not there from a session that has a sid but nothing to store. That needs
// no cookie, so it is no error although the headers are sent.
func TestRemovingNothingAfterTheHeaders(t *testing.T) {
	m := newManager(t)
	new(client).do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		set(t, s, "a", 1)
		if err := s.Delete(r.Context(), "a"); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, "stream")
		if err := s.Delete(r.Context(), "a"); err != nil {
			t.Error("Delete:", err)
		}
		if err := s.Flush(r.Context()); err != nil {
			t.Error("Flush:", err)
		}
		if err := s.Set(r.Context(), "b", 1); !errors.Is(err, session.ErrCommitted) || s.Get(r.Context(), "b") != nil {
			t.Errorf("Set: %v, b = %v", err, s.Get(r.Context(), "b"))
		}
	})).ServeHTTP)
}

// TestTakingBackWhatIsTooLarge flushes after a Save that was refused, and after the headers. Nothing is left to report.
func TestTakingBackWhatIsTooLarge(t *testing.T) {
	var got reports
	m := newNode(t, newFaulty(t).provider(), append(got.options(), func(c *session.ManagerConfig) { c.MaxBytes = 1 << 10 })...)
	new(client).do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		for i := range 10 {
			set(t, s, i, strings.Repeat("x", 200))
		}
		if s.Save(r.Context()) == nil {
			t.Error("no error")
		}
		http.Error(w, "too much", http.StatusInsufficientStorage)
		if err := s.Flush(r.Context()); err != nil {
			t.Error("Flush:", err)
		}
	})).ServeHTTP)
	got.silentSoFar(t)
}

// TestCloseDuringAChange closes the manager while an update runs. The visitor learns that nothing was stored.
func TestCloseDuringAChange(t *testing.T) {
	m := newManager(t)
	res := new(client).do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		set(t, s, "a", 1)
		_ = s.Update(r.Context(), "b", func(any) (any, error) {
			_ = m.Close()
			return 2, nil
		})
		if v := s.Get(r.Context(), "a"); v != 1 {
			t.Errorf("a = %v", v)
		}
		fmt.Fprint(w, "stored")
	})).ServeHTTP)
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d although nothing is stored", res.StatusCode)
	}
}

// TestRefusedAfterAPanic releases a session twice, because the first release panics. The second one logs what Set has refused.
func TestRefusedAfterAPanic(t *testing.T) {
	var got reports
	m := newNode(t, newFaulty(t).provider(), got.options()...)
	seed(t, m, map[any]any{"n": 1}).do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		if s.Set(r.Context(), "bad", make(chan int)) == nil {
			t.Error("a channel was stored")
		}
		calls := 0
		update := func(v any) (any, error) {
			if calls++; calls == 2 { // again, on what another Session has stored
				panic("update")
			}
			return v.(int) + 1, nil
		}
		if err := s.Update(r.Context(), "n", update); err != nil {
			t.Error(err)
		}
		other := start(t, m, w, r.Clone(r.Context()))
		set(t, other, "n", 7)
		save(t, other)
		recovered(t, func() { s.SessionRelease(r.Context(), w) })
		s.SessionRelease(r.Context(), w)
	})
	if log, _ := got.taken(); !strings.Contains(log, "was not stored") {
		t.Errorf("the refusal was not logged: %q", log)
	}
}
