package memory_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

func TestCapEvictsIdlest(t *testing.T) {
	later := time.Now().Add(time.Hour)
	for _, tt := range []struct {
		name string
		use  func(t *testing.T, b driver.Backend) // of a, b and c, created in this order
		left []string                             // after d was created
	}{
		{"created", func(*testing.T, driver.Backend) {}, []string{"b", "c", "d"}},
		{"touched", func(t *testing.T, b driver.Backend) {
			must(t, b.Touch(t.Context(), "a", later))
		}, []string{"a", "c", "d"}},
		{"saved", func(t *testing.T, b driver.Backend) {
			must(t, b.Save(t.Context(), "b", &driver.Record{Version: 1, Expires: later}))
			must(t, b.Save(t.Context(), "a", &driver.Record{Version: 1, Expires: later}))
		}, []string{"a", "b", "d"}},
		{"read only", func(t *testing.T, b driver.Backend) {
			must(t, b.Load(t.Context(), "a", new(driver.Record)))
		}, []string{"b", "c", "d"}},
		{"refused", func(t *testing.T, b driver.Backend) {
			if b.Create(t.Context(), "a", &driver.Record{Expires: later}) == nil ||
				b.Save(t.Context(), "a", &driver.Record{Version: 9, Expires: later}) == nil ||
				b.Delete(t.Context(), "a", 9) == nil {
				t.Error("a call succeeded that cannot")
			}
		}, []string{"b", "c", "d"}},
		{"deleted", func(t *testing.T, b driver.Backend) {
			must(t, b.Delete(t.Context(), "b", 1))
		}, []string{"a", "c", "d"}},
		{"cleared", func(t *testing.T, b driver.Backend) {
			must(t, b.(driver.Clearer).Clear(t.Context()))
		}, []string{"d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, `{"maxSessions": 3}`)
			for _, key := range []string{"a", "b", "c"} {
				must(t, b.Create(t.Context(), key, &driver.Record{Expires: later}))
			}
			tt.use(t, b)
			must(t, b.Create(t.Context(), "d", &driver.Record{Expires: later}))
			if got := listed(t, b); !slices.Equal(got, tt.left) {
				t.Errorf("left: %q, want %q", got, tt.left)
			}
		})
	}
}

func TestCapAndExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, ctx := open(t, `{"maxSessions": 3}`), t.Context()
		create := func(key string, lifetime time.Duration) {
			t.Helper()
			must(t, b.Create(ctx, key, &driver.Record{Expires: time.Now().Add(lifetime)}))
		}
		create("long", time.Hour)
		create("brief", time.Minute)
		create("other", time.Hour)
		time.Sleep(time.Minute)
		create("brief", time.Minute) // takes its own place, and no one else's
		if got, want := listed(t, b), []string{"brief", "long", "other"}; !slices.Equal(got, want) {
			t.Errorf("left: %q, want %q", got, want)
		}
		time.Sleep(time.Minute)
		if n, err := b.(driver.Sweeper).Sweep(ctx, nil); err != nil || n != 1 {
			t.Errorf("Sweep = %d, %v; want 1", n, err)
		}
		create("new", time.Hour) // takes the place that was swept
		if got, want := listed(t, b), []string{"long", "new", "other"}; !slices.Equal(got, want) {
			t.Errorf("left: %q, want %q", got, want)
		}
	})
}

// listed returns the keys of the live records, sorted.
func listed(t *testing.T, b driver.Backend) []string {
	t.Helper()
	var keys []string
	for entry, err := range b.(driver.Lister).List(t.Context()) {
		if err != nil {
			t.Errorf("List: %v", err)
		}
		keys = append(keys, entry.Key)
	}
	slices.Sort(keys)
	return keys
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A session that gets a new sid takes no more room than it had: it must not make room by evicting itself, and nobody
// else either.
func TestCapAndRegenerate(t *testing.T) {
	b := open(t, `{"maxSessions": 2}`)
	p := session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return b, nil })
	m, err := session.New(p, session.NewManagerConfig())
	must(t, err)
	defer m.Close()
	begin := func() *http.Cookie {
		w := httptest.NewRecorder()
		s, err := m.Start(w, httptest.NewRequest("GET", "/", nil))
		must(t, err)
		must(t, s.Set(t.Context(), "cart", "book"))
		must(t, s.Save(t.Context()))
		return w.Result().Cookies()[0]
	}
	idlest, other := begin(), begin()
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/login", nil)
	r.AddCookie(idlest)
	s, err := m.Start(w, r)
	must(t, err)
	if err := s.Login(t.Context(), "ann"); err != nil {
		t.Fatalf("Login: %v", err)
	}
	must(t, s.Save(t.Context()))
	found := func(sid string) bool {
		_, err := m.GetSessionStore(sid)
		return err == nil
	}
	if found(idlest.Value) || !found(s.SessionID(t.Context())) || !found(other.Value) {
		t.Errorf("the old sid is alive: %v, the new one: %v, another session: %v",
			found(idlest.Value), found(s.SessionID(t.Context())), found(other.Value))
	}
	if n := m.GetActiveSession(); n != 2 {
		t.Errorf("%d sessions, want 2", n)
	}
}
