package file

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

func mustReserve(t *testing.T, s *store, user, key string, until time.Time, limit int) {
	t.Helper()
	if _, err := s.Reserve(t.Context(), user, key, until, limit, false); err != nil {
		t.Fatalf("Reserve: %v", err)
	}
}

// reserved reports whether the only place of ann is taken, and leaves everything as it was.
func reserved(t *testing.T, s *store) bool {
	t.Helper()
	_, err := s.Reserve(t.Context(), "ann", "another", time.Now(), 1, false)
	if err != nil && !errors.Is(err, session.ErrTooManySessions) {
		t.Fatalf("Reserve: %v", err)
	}
	return err != nil
}

func inAMinute() time.Time { return time.Now().Add(time.Minute) }

// TestReservationStays checks that a place stays reserved whatever happens to its key, until a session is stored.
func TestReservationStays(t *testing.T) {
	s := newTestStore(t, t.TempDir(), files)
	ctx := t.Context()
	expired := testRecord("ann", "x")
	expired.Expires = time.Now().Add(-time.Second)
	if err := s.Create(ctx, "k", expired); err != nil {
		t.Fatal(err)
	}
	mustReserve(t, s, "ann", "k", inAMinute(), 1)
	check := func(after string) {
		t.Helper()
		if !reserved(t, s) {
			t.Errorf("after %s the place is free", after)
		}
	}
	check("Reserve")
	if removed, err := s.Sweep(ctx, nil); removed != 1 || err != nil {
		t.Errorf("Sweep = %d, %v, want the expired session", removed, err)
	}
	check("a sweep of the expired session that had the key")
	if removed, err := s.Sweep(ctx, nil); removed != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", removed, err)
	}
	check("another sweep")
	if err := s.Delete(ctx, "k", 0); err != nil {
		t.Errorf("Delete: %v", err)
	}
	check("Delete of nothing")
	if err := s.Create(ctx, "old", testRecord("", "x")); err != nil {
		t.Fatal(err)
	}
	s.flush = func(*os.File) error { return syscall.EIO }
	for call, err := range map[string]error{
		"Create": s.Create(ctx, "k", testRecord("ann", "x")),
		"Rename": s.Rename(ctx, "old", 1, "k", testRecord("ann", "x"), driver.Mark{}),
	} {
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v, want EIO", call, err)
		}
	}
	s.flush = (*os.File).Sync
	check("a Create and a Rename that failed")
	brief := testRecord("ann", "x")
	brief.Expires = time.Now().Add(100 * time.Millisecond)
	if err := s.Create(ctx, "k", brief); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(brief.Expires) + time.Millisecond)
	if reserved(t, s) {
		t.Error("the place is reserved though its session was stored, and has expired")
	}
}

// TestReservationOfTheDead checks that what nobody used lapses, and that nothing remains of it after a sweep.
func TestReservationOfTheDead(t *testing.T) {
	dir := t.TempDir()
	s, other := newTestStore(t, dir, none), newTestStore(t, dir, none)
	until := time.Now().Add(300 * time.Millisecond)
	mustReserve(t, s, "ann", "k", until, 1)
	early := reserved(t, other)
	if time.Now().Before(until) && !early {
		t.Error("another node does not see the reservation")
	}
	// A crash in the middle of Reserve leaves a marker without a time: nobody was told.
	if _, err := s.users.add("ann", mustPlace(t, s, "half").name()); err != nil {
		t.Fatal(err)
	}
	// One in the middle of Create leaves the reservation beside the session.
	mustReserve(t, s, "bob", "stored", until, 1)
	if err := s.Create(t.Context(), "stored", testRecord("bob", "x")); err != nil {
		t.Fatal(err)
	}
	mustReserve(t, s, "bob", "stored", until, 1)
	if _, err := s.Reserve(t.Context(), "bob", "l", until, 2, false); err != nil {
		t.Errorf("Reserve: %v: a session and its reservation count as two", err)
	}
	time.Sleep(time.Until(until) + time.Millisecond)
	if reserved(t, other) {
		t.Error("the reservation has not lapsed")
	}
	if removed, err := other.Sweep(t.Context(), nil); removed != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", removed, err)
	}
	if n := markers(t, s); n != 1 {
		t.Errorf("%d markers after a sweep, want that of the session", n)
	}
}

// TestReserveBesideRename counts while the only session gets new names: it is never missed.
func TestReserveBesideRename(t *testing.T) {
	dir := t.TempDir()
	s, other := newTestStore(t, dir, none), newTestStore(t, dir, none)
	if err := s.Create(t.Context(), "k 0", testRecord("ann", "x")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		for i := range 300 {
			from, to := fmt.Sprint("k ", i), fmt.Sprint("k ", i+1)
			if err := s.Rename(t.Context(), from, 1, to, testRecord("ann", "x"), driver.Mark{}); err != nil {
				t.Errorf("Rename: %v", err)
				return
			}
		}
	})
	for ctx.Err() == nil {
		if !reserved(t, other) {
			t.Error("Reserve has missed a session that is renamed")
			break
		}
	}
	wg.Wait()
}

// TestIndexIsThatOfTheSessions does things at random, on two nodes at once: after a sweep there is a marker for
// each session of a user, and no other.
func TestIndexIsThatOfTheSessions(t *testing.T) {
	dir := t.TempDir()
	nodes := []*store{newTestStore(t, dir, none), newTestStore(t, dir, none)}
	users := []string{"", "ann", "bob"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for _, s := range []*store{nodes[0], nodes[1], nodes[0], nodes[1]} {
		wg.Go(func() {
			for range 200 {
				user, key, to := users[rand.N(3)], fmt.Sprint("k ", rand.N(8)), fmt.Sprint("k ", rand.N(8))
				rec := testRecord(user, "x")
				rec.Version = rand.N[uint64](3)
				if rand.N(3) == 0 {
					rec.Expires = time.Now().Add(rand.N(20 * time.Millisecond))
				}
				switch rand.N(10) {
				case 0, 1, 2:
					s.Create(ctx, key, rec)
				case 3:
					s.Save(ctx, key, rec)
				case 4:
					s.Delete(ctx, key, rec.Version)
				case 5:
					if key != to {
						s.Rename(ctx, key, rec.Version, to, rec, driver.Mark{})
					}
				case 6:
					s.Sweep(ctx, nil)
				default:
					if user != "" {
						s.Reserve(ctx, user, key, time.Now().Add(rand.N(20*time.Millisecond)), 1+rand.N(5), rand.N(2) == 0)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		t.Fatalf("somebody waits for ever: %v", err)
	}
	time.Sleep(20 * time.Millisecond)
	s := nodes[0]
	if _, err := s.Sweep(ctx, nil); err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, user := range users[1:] {
		var listed []string
		for entry, err := range s.List(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if entry.User == user {
				listed = append(listed, entry.Key)
			}
		}
		want += len(listed)
		slices.Sort(listed)
		if got := keys(t, s.ListUser(ctx, user)); !slices.Equal(got, listed) {
			t.Errorf("%s has %q, want %q", user, got, listed)
		}
	}
	if n := markers(t, s); n != want {
		t.Errorf("%d markers after a sweep, want %d", n, want)
	}
}
