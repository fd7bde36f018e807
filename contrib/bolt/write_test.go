package bolt_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/seed1a8f7c28/session/contrib/bolt"
	"github.com/seed1a8f7c28/session/kv"
)

// TestWritersShare has many writers come while one is writing: they need one transaction, and if one of them cannot be
// served, the others can.
func TestWritersShare(t *testing.T) {
	for _, broken := range []int{-1, 7} {
		db, err := bolt.OpenDB(kv.Settings{Path: filepath.Join(t.TempDir(), "sessions.db"), Sync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		release, err := bolt.Hold(db)
		if err != nil {
			t.Fatal(err)
		}
		const writers = 32
		key := func(i int) []byte {
			if i == broken {
				return bytes.Repeat([]byte("k"), 40_000) // more than bbolt takes
			}
			return fmt.Appendf(nil, "key %d", i)
		}
		errs := make([]chan error, writers)
		for i := range errs {
			errs[i] = make(chan error, 1)
			go func() { errs[i] <- db.Write([]kv.Change{{Key: key(i), Value: []byte("v")}}) }()
			for i > 0 && bolt.Waiting(db) < i { // the first one has its transaction for itself
				runtime.Gosched()
			}
			for i == 0 && !bolt.Writing(db) {
				runtime.Gosched()
			}
		}
		before, err := bolt.Transactions(db)
		if err != nil {
			t.Fatal(err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		for i, err := range errs {
			if err := <-err; (err != nil) != (i == broken) {
				t.Errorf("writer %d: %v", i, err)
			}
		}
		after, err := bolt.Transactions(db)
		if err != nil {
			t.Fatal(err)
		}
		if broken < 0 && after-before != 2 {
			t.Errorf("%d transactions for %d writers, want 2", after-before, writers)
		}
		err = db.View(func(r kv.Reader) error {
			for i := range writers {
				if value, err := r.Get(key(i)); err != nil || (string(value) == "v") != (i != broken) {
					t.Errorf("what writer %d has written: %q, %v", i, value, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
