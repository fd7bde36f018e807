package file

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// TestTouchBesideSave touches, saves and loads one session from two nodes: no touch is undone by a save, and
// nobody reads a deadline that was never written.
func TestTouchBesideSave(t *testing.T) {
	dir := t.TempDir()
	a, b := newTestStore(t, dir, none), newTestStore(t, dir, none)
	ctx, rec := t.Context(), testRecord("ann", "0")
	if err := a.Create(ctx, "k", rec); err != nil {
		t.Fatal(err)
	}
	const touches = 500
	// Each step changes every byte of the deadline that it can.
	first := rec.Expires.UnixMilli()
	at := func(i int) time.Time { return time.UnixMilli(first + int64(i)*0x01010101) }
	last := at(touches)
	done := make(chan struct{})
	var wg, loaders sync.WaitGroup
	wg.Go(func() {
		for i := range touches {
			if err := a.Touch(ctx, "k", at(i+1)); err != nil {
				t.Errorf("Touch: %v", err)
			}
		}
	})
	saves := 0
	wg.Go(func() {
		for range touches / 2 {
			if err := b.Save(ctx, "k", rec); err != nil {
				t.Errorf("Save: %v", err)
				return
			}
			saves++
		}
	})
	for range 2 {
		loaders.Go(func() {
			seen := rec.Expires
			for {
				select {
				case <-done:
					return
				default:
				}
				var got driver.Record
				if err := b.Load(ctx, "k", &got); err != nil {
					t.Errorf("Load: %v", err)
					return
				}
				step := got.Expires.UnixMilli() - first
				if step%0x01010101 != 0 || got.Expires.After(last) || got.Expires.Before(seen) {
					t.Errorf("read the deadline %v after %v, which nobody wrote", got.Expires, seen)
					return
				}
				seen = got.Expires
			}
		})
	}
	wg.Wait()
	close(done)
	loaders.Wait()
	var got driver.Record
	if err := a.Load(ctx, "k", &got); err != nil || !got.Expires.Equal(last) || got.Version != uint64(1+saves) {
		t.Errorf("at the end: %v, %v, version %d; want %v, version %d", err, got.Expires, got.Version, last, 1+saves)
	}
}

// TestSettle reads a file whose deadline changes between two reads: the later one counts.
func TestSettle(t *testing.T) {
	s := newTestStore(t, t.TempDir(), none)
	if err := s.Create(t.Context(), "k", testRecord("", "x")); err != nil {
		t.Fatal(err)
	}
	f, err := s.home.root().OpenFile(mustPlace(t, s, "k").path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	whole, err := s.home.root().ReadFile(mustPlace(t, s, "k").path)
	if err != nil {
		t.Fatal(err)
	}
	torn := bytes.Clone(whole)
	copy(torn[driver.RecordExpiresOffset:], "\x00\x00\x00\x00\xff\xff\xff\xff")
	if err := settle(f, torn); err != nil || !bytes.Equal(torn, whole) {
		t.Errorf("settled on %x, want %x (%v)", torn[:expiresEnd], whole[:expiresEnd], err)
	}
}

// TestTouchExpired checks that a touch brings no session back.
func TestTouchExpired(t *testing.T) {
	s := newTestStore(t, t.TempDir(), none)
	rec := testRecord("", "x")
	rec.Expires = time.Now().Add(-time.Millisecond)
	if err := s.Create(t.Context(), "k", rec); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Touch(t.Context(), "k", time.Now().Add(time.Hour)); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Touch: %v, want ErrNotFound", err)
		}
	}
}
