package session_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// TestASaveWhoseAnswerWasLost says that a second Save makes no update twice, whatever has happened in between.
func TestASaveWhoseAnswerWasLost(t *testing.T) {
	others := func(t *testing.T, m *session.Manager, b *client) {
		b.visit(t, m, func(s *session.Session) { set(t, s, "other", "saved") })
	}
	type step = func(t *testing.T, m *session.Manager, b *client, s *session.Session)
	for _, tt := range []struct {
		name string
		then step
		fail bool // the next Save must return an error
		n, x any
	}{
		{name: "nothing", then: func(*testing.T, *session.Manager, *client, *session.Session) {}, n: int64(1)},
		{name: "another increment", then: func(t *testing.T, _ *session.Manager, _ *client, s *session.Session) {
			increment(t, s, "n", 1)
		}, n: int64(2)},
		{name: "more values", then: func(t *testing.T, _ *session.Manager, _ *client, s *session.Session) {
			set(t, s, "x", "y")
		}, n: int64(1), x: "y"},
		{name: "the value is set", then: func(t *testing.T, _ *session.Manager, _ *client, s *session.Session) {
			set(t, s, "n", 7)
		}, n: 7},
		{name: "the value is set, and others save", then: func(t *testing.T, m *session.Manager, b *client, s *session.Session) {
			set(t, s, "n", 7)
			others(t, m, b)
		}, n: 7},
		{name: "flush", then: func(t *testing.T, m *session.Manager, b *client, s *session.Session) {
			others(t, m, b)
			if err := s.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			increment(t, s, "n", 1)
		}, n: int64(1)},
		{name: "others save", then: func(t *testing.T, m *session.Manager, b *client, _ *session.Session) {
			others(t, m, b)
		}, fail: true, n: int64(1)},
		{name: "others save, and more values", then: func(t *testing.T, m *session.Manager, b *client, s *session.Session) {
			others(t, m, b)
			set(t, s, "x", "y")
		}, fail: true, n: int64(1)},
	} {
		for _, handed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/saved before=%v", tt.name, handed), func(t *testing.T) {
				f := newFaulty(t)
				m := newNode(t, f.provider())
				b := seed(t, m, map[any]any{"cart": "book"})
				s := start(t, m, httptest.NewRecorder(), b.request())
				nth := 1
				if handed { // the save that is made is at another version than the one loaded
					others(t, m, b)
					nth = 2
				}
				increment(t, s, "n", 1)
				f.plan(nth, unsaid)
				if err := s.Save(t.Context()); !errors.Is(err, errDown) {
					t.Fatalf("Save = %v", err)
				}
				f.heal()
				tt.then(t, m, b, s)
				for range 2 {
					if err := s.Save(t.Context()); (err != nil) != tt.fail {
						t.Errorf("Save = %v", err)
					}
				}
				if n, x := b.value(t, m, "n"), b.value(t, m, "x"); n != tt.n || x != tt.x {
					t.Errorf("n = %v, x = %v; want %v, %v", n, x, tt.n, tt.x)
				}
				if !tt.fail && (s.Get(t.Context(), "n") != tt.n || s.Get(t.Context(), "x") != tt.x) {
					t.Errorf("the Session shows n = %v, x = %v", s.Get(t.Context(), "n"), s.Get(t.Context(), "x"))
				}
			})
		}
	}
}

// TestASaveInDoubtIsNotAnothers has another request store the same value, by an update of its own.
func TestASaveInDoubtIsNotAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty(t)
		m := newNode(t, f.provider())
		b := seed(t, m, nil)
		s := start(t, m, httptest.NewRecorder(), b.request())
		increment(t, s, "n", 1)
		f.plan(1, refused)
		if err := s.Save(t.Context()); !errors.Is(err, errDown) {
			t.Fatalf("Save = %v", err)
		}
		f.heal()
		time.Sleep(time.Second)
		b.visit(t, m, func(s *session.Session) { increment(t, s, "n", 1) })
		if err := s.Save(t.Context()); err == nil {
			t.Errorf("the other's increment passed for this one: n = %v", b.value(t, m, "n"))
		}
	})
}

// TestASaveInDoubtIsHandedAnothers has it wait for its turn, and get what the one before it has saved.
func TestASaveInDoubtIsHandedAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := newTap(t)
		m := newNode(t, backend.provider())
		b := seed(t, m, nil)
		s := start(t, m, httptest.NewRecorder(), b.request())
		increment(t, s, "n", 1)
		backend.plan(1, unsaid)
		if err := s.Save(t.Context()); !errors.Is(err, errDown) {
			t.Fatalf("Save = %v", err)
		}
		backend.heal()
		saves := make(chan error)
		backend.before = func() {
			backend.before = nil
			go func() { saves <- s.Save(t.Context()) }()
			synctest.Wait()
		}
		b.visit(t, m, func(other *session.Session) { set(t, other, "other", "saved") })
		if err, n := <-saves, b.value(t, m, "n"); err == nil || n != int64(1) {
			t.Errorf("Save = %v, and n = %v", err, n)
		}
	})
}

// TestUpdatesAfterASaveInDoubt has others save once more when it is known what became of the first.
func TestUpdatesAfterASaveInDoubt(t *testing.T) {
	backend := newTap(t)
	m, other := newNode(t, backend.provider()), newNode(t, backend.provider())
	b := seed(t, m, nil)
	s := start(t, m, httptest.NewRecorder(), b.request())
	increment(t, s, "n", 1)
	backend.plan(1, unsaid)
	if err := s.Save(t.Context()); !errors.Is(err, errDown) {
		t.Fatalf("Save = %v", err)
	}
	backend.heal()
	increment(t, s, "n", 10)
	tries := 0
	backend.before = func() {
		if tries++; tries == 2 { // the first meets the save in doubt
			backend.before = nil
			b.visit(t, other, func(s *session.Session) { set(t, s, "other", "saved") })
		}
	}
	save(t, s)
	if got := b.value(t, m, "n"); got != int64(11) {
		t.Errorf("n = %v, want 11", got)
	}
}

// TestSavesWhoseAnswersWereLost loses several in a row, of which one was of a save that was made.
func TestSavesWhoseAnswersWereLost(t *testing.T) {
	for made := range 3 {
		f := newFaulty(t)
		m := newNode(t, f.provider())
		b := seed(t, m, nil)
		s := start(t, m, httptest.NewRecorder(), b.request())
		for try := range 3 {
			increment(t, s, "n", 1)
			how := refused
			if try == made {
				how = unsaid
			}
			f.plan(1, how)
			_ = s.Save(t.Context()) // a conflict with the one that was made, and what is done then, may succeed
		}
		f.heal()
		save(t, s)
		if got := b.value(t, m, "n"); got != int64(3) {
			t.Errorf("try %d was made: n = %v, want 3", made, got)
		}
	}
}

// TestRegenerateAfterASaveWhoseAnswerWasLost takes the changes along once.
func TestRegenerateAfterASaveWhoseAnswerWasLost(t *testing.T) {
	for _, how := range []fault{refused, unsaid} {
		f := newFaulty(t)
		m := newNode(t, f.provider())
		b := seed(t, m, nil)
		w, r := httptest.NewRecorder(), b.request()
		s := start(t, m, w, r)
		increment(t, s, "n", 1)
		f.plan(1, how)
		if err := s.Save(t.Context()); !errors.Is(err, errDown) {
			t.Fatalf("Save = %v", err)
		}
		f.heal()
		increment(t, s, "n", 1)
		if err := s.Regenerate(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.take(w.Result())
		if got := b.value(t, m, "n"); got != int64(2) {
			t.Errorf("%s: n = %v, want 2", how, got)
		}
	}
}
