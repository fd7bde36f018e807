package memcache_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// TestTooLarge checks what is over the item size of a server, which may be another than 1 MiB.
func TestTooLarge(t *testing.T) {
	for _, tt := range []struct {
		size  string // -I
		bytes int
	}{
		{"512k", 512 << 10},
		{"1m", 1 << 20},
		{"2m", 2 << 20},
	} {
		t.Run(tt.size, func(t *testing.T) {
			s := servertest.StartMemcached(t, servertest.MemcachedOptions{Args: []string{"-I", tt.size}})
			b, ctx := newNode(t, driver.Config{Config: s.Addr}), t.Context()
			rec := newRecord()
			must(t, b.Create(ctx, key(1), rec))
			for _, load := range []bool{false, true} { // by two trips, and by one
				large := *rec
				if load {
					must(t, b.Load(ctx, key(1), &large))
				}
				large.Data = make([]byte, tt.bytes)
				if err := b.Save(ctx, key(1), &large); !errors.Is(err, session.ErrTooLarge) || large.Version != rec.Version {
					t.Errorf("Save = %v at version %d, want ErrTooLarge", err, large.Version)
				}
				wantData(t, b, key(1), "data")
			}
			large := newRecord()
			large.Data = make([]byte, tt.bytes)
			if err := b.Create(ctx, key(2), large); !errors.Is(err, session.ErrTooLarge) {
				t.Errorf("Create = %v, want ErrTooLarge", err)
			}
			if err := b.Load(ctx, key(2), large); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Load = %v, want ErrNotFound", err)
			}
			fits := strings.Repeat("x", tt.bytes-256)
			rec.Data = []byte(fits)
			must(t, b.Save(ctx, key(1), rec))
			wantData(t, b, key(1), fits)
			if err := b.Save(ctx, key(1), &driver.Record{Version: 2, Expires: rec.Expires, Data: make([]byte, 8<<20)}); !errors.Is(err, session.ErrTooLarge) {
				t.Errorf("Save of 8 MiB = %v, want ErrTooLarge", err)
			}
			wantData(t, b, key(1), fits)
		})
	}
}

func wantData(t testing.TB, b driver.Backend, key, want string) {
	t.Helper()
	var rec driver.Record
	if err := b.Load(t.Context(), key, &rec); err != nil || string(rec.Data) != want {
		t.Errorf("%d bytes are stored, want %d: %v", len(rec.Data), len(want), err)
	}
}

// TestTooLargeSession sees it as an application does: maxBytes is as large as an item, and leaves no room for its head.
func TestTooLargeSession(t *testing.T) {
	m := newManager(t, empty(t))
	r := httptest.NewRequest("GET", "/", nil)
	s, err := m.Start(httptest.NewRecorder(), r)
	must(t, err)
	must(t, s.Set(t.Context(), "a", "1"))
	must(t, s.Save(t.Context()))
	must(t, s.Set(t.Context(), "b", strings.Repeat("x", 1<<20-20)))
	if err := s.Save(t.Context()); !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("Save = %v, want ErrTooLarge", err)
	}
	s, err = m.Start(httptest.NewRecorder(), r)
	must(t, err)
	if a, b := s.Get(t.Context(), "a"), s.Get(t.Context(), "b"); a != "1" || b != nil {
		t.Errorf("the session has %v and %v, want what was saved before", a, b)
	}
}

// TestEviction fills a server: what it has dropped is gone, what it has kept is whole.
func TestEviction(t *testing.T) {
	s := servertest.StartMemcached(t, servertest.MemcachedOptions{Megabytes: 2})
	m := newManager(t, s.Addr)
	const sessions = 300
	sids := make([]string, sessions)
	for i := range sids {
		s, err := m.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		must(t, err)
		must(t, s.Set(t.Context(), "n", i))
		must(t, s.Set(t.Context(), "filler", strings.Repeat("x", 20_000)))
		must(t, s.Save(t.Context()))
		sids[i] = s.SessionID(t.Context())
	}
	gone := 0
	for i, sid := range sids {
		s, err := m.GetSessionStore(sid)
		switch {
		case errors.Is(err, session.ErrNotFound):
			gone++
		case err != nil:
			t.Fatal(err)
		case fmt.Sprint(s.Get(t.Context(), "n")) != fmt.Sprint(i):
			t.Errorf("session %d has %v", i, s.Get(t.Context(), "n"))
		}
	}
	if gone == 0 || gone == sessions {
		t.Errorf("%d of %d sessions are gone, want some", gone, sessions)
	}
	t.Logf("%d of %d sessions are gone", gone, sessions)
}
