package sessiontest

import (
	"errors"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// The user of a session.
var loginCases = []testCase{
	{
		name:     "login/new sid",
		notBeego: true,
		sentence: "S7",
		rule:     "When Login returns, the old sid is dead on every node, and the new sid has the user and the values.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			b := visitor(t, m, values{"cart": "book"})
			old := *b
			begun := time.Now().Add(-e.resolution)
			b.visit(t, m, func(s *flight) {
				wantOK(t, "Login", s.Login(t.Context(), "Ann"))
				s.set(t, values{"role": "admin"})
			})
			e.wantRecordless(t, old.value())
			for _, node := range []*session.Manager{m, other} {
				wantSID(t, node, old.value(), false)
				e.wantReplaced(t, &old, node)
				s := b.start(t, node)
				s.wantValues(t, values{"cart": "book", "role": "admin"})
				if s.User() != "Ann" || s.AuthTime().Before(begun) {
					t.Errorf("the user is %q, logged in at %v, want Ann, after %v", s.User(), s.AuthTime(), begun)
				}
			}
		},
	},
	{
		name:     "login/limit",
		sentence: "UserLimiter",
		rule:     "After 32 logins of one user at the same time on two nodes, exactly maxPerUser sessions remain.",
		check: func(t testing.TB, e *env) {
			for _, action := range []string{"evict", "refuse"} {
				user := "Ann " + action
				var nodes []*session.Manager
				for range 2 { // the last of 32 may wait for long, on a slow machine
					nodes = append(nodes, e.limited(t, session.CfgMaxPerUser(3), session.CfgOnLimit(action), session.CfgOpTimeout(time.Minute)))
				}
				browsers := make([]*browser, 32)
				refused := 0
				var mu sync.Mutex
				for i := range browsers {
					browsers[i] = visitor(t, nodes[i%2], values{"n": i})
				}
				together(len(browsers), func(i int) {
					s := browsers[i].start(t, nodes[i%2])
					err := s.Login(t.Context(), user)
					browsers[i].take(s.w.Header())
					mu.Lock()
					defer mu.Unlock()
					switch {
					case action == "refuse" && errors.Is(err, session.ErrTooManySessions):
						refused++
					case err != nil:
						t.Errorf("Login: %v", err)
					}
				})
				live := 0
				for _, b := range browsers {
					if s := b.start(t, nodes[0]); s.User() == user {
						live++
					}
				}
				infos, err := nodes[1].SessionsOf(t.Context(), user)
				wantOK(t, "SessionsOf", err)
				if live != 3 || len(infos) != 3 || action == "refuse" && refused != 29 {
					t.Errorf("%s: %d sessions are live and %d listed after 32 logins with the limit of 3; %d refused",
						action, live, len(infos), refused)
				}
			}
		},
	},
	{
		name:     "login/users",
		sentence: "UserLister",
		rule:     "SessionsOf lists a user's sessions of all nodes. DestroyUser ends them, except for those that the caller excepts.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			optional[driver.UserLister](t, e.node(t))
			ann := make([]*browser, 4)
			for i := range ann {
				ann[i] = e.loggedIn(t, []*session.Manager{m, other}[i%2], "Ann")
			}
			anna := e.loggedIn(t, m, "Anna")
			own := ann[0].start(t, other).ID()
			infos, err := other.SessionsOf(t.Context(), "Ann")
			wantOK(t, "SessionsOf", err)
			listed := make(map[string]bool)
			for _, info := range infos {
				if info.User != "Ann" || info.AuthTime.IsZero() {
					t.Errorf("a session of %q, logged in at %v", info.User, info.AuthTime)
				}
				listed[info.ID] = true
			}
			if len(listed) != 4 || !listed[own] {
				t.Errorf("%d sessions listed, the own one %t, want 4 with it", len(listed), listed[own])
			}
			if n, err := other.DestroyUser(t.Context(), "Ann", own); n != 3 || err != nil {
				t.Errorf("DestroyUser = %d, %v, want 3", n, err)
			}
			for i, b := range ann {
				if user := b.start(t, m).User(); (user == "Ann") != (i == 0) {
					t.Errorf("session %d of Ann's is of %q after the others were ended", i, user)
				}
			}
			if user := anna.start(t, m).User(); user != "Anna" {
				t.Errorf("Anna's session is of %q", user)
			}
		},
	},
}

// limited is manager for stores that can limit a user's sessions.
func (e *env) limited(t testing.TB, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	m, err := session.New(e.provider(nil), e.config(opts...))
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("not a session.UserLimiter")
	}
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() { wantOK(t, "Close", m.Close()) })
	return m
}

// loggedIn returns a browser whose session is user's.
func (e *env) loggedIn(t testing.TB, m *session.Manager, user string) *browser {
	t.Helper()
	b := new(browser)
	w, r := httptest.NewRecorder(), b.request()
	s, err := m.Start(w, r)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	if err := s.Login(t.Context(), user); err != nil {
		t.Fatalf("Login: %v", err)
	}
	b.take(w.Header())
	return b
}
