package nats_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed1a8f7c28/session/contrib/nats"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// stream returns the stream of the default bucket.
func stream(t testing.TB, s *server.Server) jetstream.Stream {
	t.Helper()
	nc, err := natsgo.Connect(s.ClientURL())
	must(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	must(t, err)
	stream, err := js.Stream(t.Context(), "KV_sessions")
	must(t, err)
	return stream
}

// subjects returns the subjects of the stream that contain text.
func subjects(t testing.TB, of jetstream.Stream, text string) (list []string) {
	t.Helper()
	info, err := of.Info(t.Context(), jetstream.WithSubjectFilter(">"))
	must(t, err)
	for subject := range info.State.Subjects {
		if strings.Contains(subject, text) {
			list = append(list, subject)
		}
	}
	return list
}

// TestNothingStays has the server remove what has expired: sessions, marks, reservations and what is kept of removals.
func TestNothingStays(t *testing.T) {
	s := start(t, server.Options{})
	b, ctx := node(t, s.ClientURL(), "app"), t.Context()
	of := stream(t, s)
	rec := newRecord("")
	rec.Expires = time.Now().Add(500 * time.Millisecond)
	must(t, b.Create(ctx, key(1), rec))
	must(t, b.Mark(ctx, key(2), 0, driver.Mark{Kind: 1, Expires: rec.Expires}))
	_, err := b.Reserve(ctx, "ann", key(3), rec.Expires, 1, false)
	must(t, err)
	must(t, b.Ping(ctx))
	touched := newRecord("")
	touched.Expires = rec.Expires
	must(t, b.Create(ctx, key(4), touched))
	must(t, b.Touch(ctx, key(4), time.Now().Add(time.Hour)))
	if got := subjects(t, of, ""); len(got) != 5 {
		t.Errorf("%d entries, want a session, a mark, an index, the ping's and another session", len(got))
	}
	for end := time.Now().Add(30 * time.Second); len(subjects(t, of, "")) > 1; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the server has not removed what has expired")
		}
	}
	if got := subjects(t, of, key(4)); len(got) != 1 {
		t.Error("the session that was extended is gone")
	}
}

// TestCleared leaves nothing of the namespace but the notices, and everything of another.
func TestCleared(t *testing.T) {
	s := start(t, server.Options{})
	b, other, ctx := node(t, s.ClientURL(), "app"), node(t, s.ClientURL(), "app.x"), t.Context()
	for _, b := range []backend{b, other} {
		must(t, b.Create(ctx, key(1), newRecord("ann")))
	}
	must(t, b.Clear(ctx))
	for _, subject := range subjects(t, stream(t, s), ".app.") {
		if !strings.HasSuffix(subject, ".app.c") && !strings.HasSuffix(subject, ".app.b") && !strings.Contains(subject, ".app.s.") {
			t.Errorf("left: %q", subject)
		}
	}
	if n, err := b.Count(ctx); n != 0 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	must(t, b.Create(ctx, key(1), newRecord("ann")))
	must(t, other.Load(ctx, key(1), new(driver.Record)))
}

// TestManyEvictions has a user get a limit who has more sessions than a batch of JetStream can end.
func TestManyEvictions(t *testing.T) {
	t.Parallel()
	const sessions = 520
	s := start(t, server.Options{})
	b, ctx := node(t, s.ClientURL(), "app"), t.Context()
	for n := range sessions {
		must(t, b.Create(ctx, key(n), newRecord("ann")))
	}
	evicted, err := b.Reserve(ctx, "ann", key(sessions), time.Now().Add(time.Minute), 5, true)
	must(t, err)
	left := 0
	for _, err := range b.ListUser(ctx, "ann") {
		must(t, err)
		left++
	}
	if len(evicted) != sessions-4 || left != 4 {
		t.Errorf("%d were evicted and %d are left, want %d and 4", len(evicted), left, sessions-4)
	}
}

// TestSlowList has another call replace the entry at which a list ends by one that does not last.
func TestSlowList(t *testing.T) {
	t.Parallel()
	s := start(t, server.Options{})
	b, ctx := node(t, s.ClientURL(), "app"), t.Context()
	const sessions = 2000 // more than the client fetches at once
	for n := range sessions {
		must(t, b.Create(ctx, key(n), newRecord("")))
	}
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	n := 0
	for _, err := range b.List(limited) {
		must(t, err)
		if n++; n == 1 {
			must(t, b.Ping(ctx))
			for end := time.Now().Add(20 * time.Second); len(subjects(t, stream(t, s), ".app.b")) > 0; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the entry lasts")
				}
			}
		}
	}
	if n != sessions {
		t.Errorf("%d sessions are listed, want %d", n, sessions)
	}
}

// TestUnreadable has entries that this version cannot read: they stay, but for a logout.
func TestUnreadable(t *testing.T) {
	s := start(t, server.Options{})
	b, ctx := node(t, s.ClientURL(), "app"), t.Context()
	nc, err := natsgo.Connect(s.ClientURL())
	must(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(t, err)
	future, err := newRecord("ann").AppendBinary(nil)
	must(t, err)
	copy(future, "ses9")
	for i, data := range [][]byte{nil, []byte("x"), future, future[:40]} {
		subject := "$KV.sessions.app.s." + key(i)
		_, err := js.Publish(ctx, subject, data)
		must(t, err)
		rec := newRecord("ann")
		rec.Version = 1
		for call, err := range map[string]error{
			"Load":  b.Load(ctx, key(i), new(driver.Record)),
			"Save":  b.Save(ctx, key(i), rec),
			"Touch": b.Touch(ctx, key(i), time.Now().Add(2*time.Hour)),
			"Mark":  b.Mark(ctx, key(i), 1, driver.Mark{Kind: 1, Expires: rec.Expires}),
		} {
			if !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("%s of entry %d: %v, want ErrCorrupt", call, i, err)
			}
		}
		if err := b.Create(ctx, key(i), newRecord("")); !errors.Is(err, driver.ErrExists) {
			t.Errorf("Create over entry %d: %v", i, err)
		}
		for range b.List(ctx) {
			t.Errorf("entry %d is listed", i)
		}
		if n, err := b.Count(ctx); n != 0 || err != nil {
			t.Errorf("Count = %d, %v", n, err)
		}
		must(t, b.Delete(ctx, key(i), 0))
		if err := b.Load(ctx, key(i), new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
			t.Errorf("entry %d after a logout: %v", i, err)
		}
	}
	must(t, b.Create(ctx, key(9), newRecord("ann")))
	index := subjects(t, stream(t, s), ".app.u.")[0]
	for i, data := range [][]byte{[]byte("idx2"), []byte("idx1s"), []byte("idx1s\x00"), binary.BigEndian.AppendUint64([]byte("idx1s\x00*"), 1)} {
		_, err := js.Publish(ctx, index, data)
		must(t, err)
		for _, err := range b.ListUser(ctx, "ann") {
			if !errors.Is(err, driver.ErrCorrupt) {
				t.Errorf("ListUser with index %d: %v", i, err)
			}
		}
	}
}

// TestTooLarge has a record that the server does not take.
func TestTooLarge(t *testing.T) {
	s := start(t, server.Options{MaxPayload: 64 << 10})
	b, ctx := node(t, s.ClientURL(), "app"), t.Context()
	rec := newRecord("ann")
	must(t, b.Create(ctx, key(1), rec))
	rec.Data = make([]byte, 70<<10)
	if err := b.Save(ctx, key(1), rec); !errors.Is(err, driver.ErrTooLarge) {
		t.Errorf("Save: %v", err)
	}
	if err := b.Create(ctx, key(2), rec); !errors.Is(err, driver.ErrTooLarge) {
		t.Errorf("Create: %v", err)
	}
	got := new(driver.Record)
	must(t, b.Load(ctx, key(1), got))
	if string(got.Data) != "data" {
		t.Error("the earlier data is lost")
	}
}

// TestLostAnswers has answers lost after the server has stored what was asked. The call finds out and is no conflict.
func TestLostAnswers(t *testing.T) {
	s := start(t, server.Options{})
	proxy := servertest.NewProxy(t, s.Addr().String())
	b, direct, ctx := node(t, proxy.Addr, "app"), node(t, s.ClientURL(), "app"), t.Context()
	rec := newRecord("ann")
	lose := func(call string, do func(ctx context.Context) error) {
		t.Helper()
		proxy.ResetAfter(1) // the answer, and with it the connection
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		must(t, do(ctx))
	}
	lose("Create", func(ctx context.Context) error { return b.Create(ctx, key(1), rec) })
	lose("Save", func(ctx context.Context) error { return b.Save(ctx, key(1), rec) })
	got := new(driver.Record)
	must(t, direct.Load(ctx, key(1), got))
	if got.Version != 2 || rec.Version != 2 {
		t.Errorf("version %d is stored, Save has set %d, want 2", got.Version, rec.Version)
	}
	lose("Rename", func(ctx context.Context) error { return b.Rename(ctx, key(1), 2, key(2), rec, driver.Mark{}) })
	lose("Touch", func(ctx context.Context) error { return b.Touch(ctx, key(2), rec.Expires.Add(time.Minute)) })
	lose("Delete", func(ctx context.Context) error { return b.Delete(ctx, key(2), 1) })
	if err := direct.Load(ctx, key(2), got); !errors.Is(err, driver.ErrNotFound) {
		t.Error(fmt.Errorf("after Delete: %w", err))
	}
}

// TestOthersSince loses the answer to a save, and has another node save before it is tried again. The entries tell whether the
// first try was made, until too many others have saved.
func TestOthersSince(t *testing.T) {
	for _, tt := range []struct {
		name    string
		reaches bool // the first try reaches the server
		others  int
		right   func(err error) bool
	}{
		{"made", true, nats.Kept - 1, func(err error) bool { return err == nil }},
		{"not made", false, nats.Kept - 1, func(err error) bool { return conflict(err) != nil }},
		{"made and forgotten", true, nats.Kept, unclear},
		{"not made and forgotten", false, nats.Kept, unclear},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, server.Options{})
			proxy := servertest.NewProxy(t, s.Addr().String())
			b, direct, ctx := node(t, proxy.Addr, "app"), node(t, s.ClientURL(), "app"), t.Context()
			rec, now := newRecord("ann"), new(driver.Record)
			must(t, b.Create(ctx, key(1), rec))
			if tt.reaches {
				proxy.Refuse(true)
				proxy.ResetAfter(1)
			} else {
				proxy.BlackholeAt("Session-Expires")
			}
			saved := make(chan error)
			go func() { saved <- b.Save(ctx, key(1), rec) }()
			for must(t, direct.Load(ctx, key(1), now)); tt.reaches && now.Version == 1; must(t, direct.Load(ctx, key(1), now)) {
				time.Sleep(time.Millisecond)
			}
			for range tt.others {
				must(t, direct.Save(ctx, key(1), now))
			}
			proxy.Refuse(false)
			proxy.Blackhole(false)
			if err := <-saved; !tt.right(err) {
				t.Errorf("Save = %v", err)
			}
		})
	}
}

// unclear reports whether an error says that nobody can tell what was stored.
func unclear(err error) bool {
	return err != nil && !errors.Is(err, driver.ErrNotFound) && conflict(err) == nil
}

func conflict(err error) *driver.ConflictError {
	c, _ := errors.AsType[*driver.ConflictError](err)
	return c
}
