package file

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// TestLockElsewhere checks that a call waits for a lock that another node has until its time is over, and
// changes nothing.
func TestLockElsewhere(t *testing.T) {
	dir := t.TempDir()
	a, b := newTestStore(t, dir, none), newTestStore(t, dir, none)
	rec := testRecord("", "old")
	if err := b.Create(t.Context(), "k", rec); err != nil {
		t.Fatal(err)
	}
	shard := mustPlace(t, a, "k").shard
	if err := a.locks.lock(t.Context(), shard); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(ctx context.Context) error{
		"Create": func(ctx context.Context) error { return b.Create(ctx, "k", testRecord("", "new")) },
		"Save":   func(ctx context.Context) error { return b.Save(ctx, "k", rec) },
		"Touch":  func(ctx context.Context) error { return b.Touch(ctx, "k", time.Now().Add(2*time.Hour)) },
		"Delete": func(ctx context.Context) error { return b.Delete(ctx, "k", 0) },
		"Rename": func(ctx context.Context) error {
			return b.Rename(ctx, "k", 1, "l", testRecord("", "new"), driver.Mark{})
		},
		"Clear": b.Clear,
		"Reserve": func(ctx context.Context) error {
			_, err := b.Reserve(ctx, "ann", "k", time.Now().Add(time.Minute), 1, false)
			return err
		},
		"same node": func(ctx context.Context) error {
			return a.Delete(ctx, "k", 0)
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		start := time.Now()
		err := call(ctx)
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > 5*time.Second {
			t.Errorf("%s: %v after %v, want context.DeadlineExceeded after 30ms", name, err, took)
		}
		cancel()
	}
	if err := b.Load(t.Context(), "k", new(driver.Record)); err != nil {
		t.Errorf("Load, which takes no lock: %v", err)
	}
	done := make(chan error)
	go func() { done <- b.Save(t.Context(), "k", rec) }()
	time.Sleep(10 * time.Millisecond)
	a.locks.unlock(shard)
	if err := <-done; err != nil || rec.Version != 2 {
		t.Errorf("Save after the lock was free: %v", err)
	}
}

// TestLockFileRemoved removes a file that two nodes know: they lock the same new one.
func TestLockFileRemoved(t *testing.T) {
	dir := t.TempDir()
	nodes := []*store{newTestStore(t, dir, none), newTestStore(t, dir, none)}
	for _, s := range nodes {
		if err := s.locks.lock(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		s.locks.unlock(7)
	}
	if err := nodes[0].home.root().Remove(nodes[0].locks.path(7)); err != nil {
		t.Fatal(err)
	}
	nodes = append(nodes, newTestStore(t, dir, none))
	for i, s := range nodes {
		if err := s.locks.lock(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		for j, other := range nodes {
			if i == j {
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			if err := other.locks.lock(ctx, 7); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("node %d has the lock that node %d has: %v", j, i, err)
				if err == nil {
					other.locks.unlock(7)
				}
			}
			cancel()
		}
		s.locks.unlock(7)
	}
}
