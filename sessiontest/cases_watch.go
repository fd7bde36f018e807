package sessiontest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// Learning of removals on other nodes.
var watchCases = []testCase{
	{
		name:     "watch/removals",
		sentence: "Watcher",
		rule:     "Watch reports each record that Delete, Rename, Mark or Reserve removes, on any node, and no other.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			w := watching(t, a)
			var want []string
			for _, node := range []driver.Backend{a, b} {
				for _, version := range []uint64{0, 1} {
					key := e.key("deleted " + string(rune('a'+len(want))))
					create(t, node, key, newRecord("x"))
					wantOK(t, "Delete", node.Delete(t.Context(), key, version))
					want = append(want, key)
				}
			}
			create(t, b, e.key("stays"), newRecord("x"))
			save(t, b, e.key("stays"), load(t, b, e.key("stays")))
			touch(t, b, e.key("stays"), time.Now().Add(2*time.Hour))
			wantConflict(t, "Delete at another version", b.Delete(t.Context(), e.key("stays"), 9))
			if r, ok := driver.As[driver.Renamer](b); ok {
				create(t, b, e.key("old"), newRecord("x"))
				wantOK(t, "Rename", r.Rename(t.Context(), e.key("old"), 1, e.key("new"), newRecord("x"), driver.Mark{}))
				want = append(want, e.key("old"))
			}
			if m, ok := driver.As[driver.Marker](b); ok {
				wantOK(t, "Mark", m.Mark(t.Context(), e.key("nothing"), 0, newMark("m")))
				wantOK(t, "Delete", b.Delete(t.Context(), e.key("nothing"), 0)) // there is no record to remove
				create(t, b, e.key("marked"), newRecord("x"))
				wantOK(t, "Mark", m.Mark(t.Context(), e.key("marked"), 1, newMark("m")))
				want = append(want, e.key("marked"))
			}
			if l, ok := driver.As[driver.UserLimiter](b); ok {
				create(t, b, e.key("evicted"), ownedBy("Ann", 1))
				wantReserved(t, l, "Ann", e.key("another"), 1, true, e.key("evicted"))
				want = append(want, e.key("evicted"))
			}
			w.wait(t, want...)
		},
	},
	{
		name:     "watch/own namespace",
		sentence: "S12",
		rule:     "Watch reports only removals in its own namespace.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.nodeOf(t, e.namespace+"x")
			w := watching(t, a)
			create(t, b, e.key("k"), newRecord("x"))
			wantOK(t, "Delete", b.Delete(t.Context(), e.key("k"), 0))
			create(t, a, e.key("own"), newRecord("x"))
			wantOK(t, "Delete", a.Delete(t.Context(), e.key("own"), 0))
			w.wait(t, e.key("own"))
		},
	},
	{
		name:     "watch/ends",
		sentence: "Watcher",
		rule:     "Watch ends with its context and can be called again. Without removals it calls only resync.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			w := watching(t, b)
			w.stop(t)
			if len(w.keys) > 0 {
				t.Errorf("told of %d removals that were none", len(w.keys))
			}
			again := watching(t, b)
			create(t, b, e.key("k"), newRecord("x"))
			wantOK(t, "Delete", b.Delete(t.Context(), e.key("k"), 0))
			again.wait(t, e.key("k"))
		},
	},
}

// A watcher notes what Watch reports.
type watcher struct {
	cancel context.CancelFunc
	done   chan error

	mu   sync.Mutex
	keys []string
}

// watching starts a watch, and returns when Watch misses nothing any more.
func watching(t testing.TB, b driver.Backend) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{cancel: cancel, done: make(chan error, 1)}
	ready, once := make(chan struct{}), sync.Once{}
	watch := optional[driver.Watcher](t, b)
	go func() {
		w.done <- watch.Watch(ctx, func() { once.Do(func() { close(ready) }) }, func(key string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.keys = append(w.keys, key)
		})
	}()
	t.Cleanup(func() { w.stop(t) })
	select {
	case <-ready:
	case err := <-w.done:
		cancel()
		w.cancel = nil // it has ended
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skipf("the store has no Watch here: %v", err) // for example behind a pooler
		}
		t.Fatalf("Watch = %v before it was ready", err)
	case <-time.After(20 * time.Second):
		t.Fatal("Watch is not ready")
	}
	return w
}

// wait waits for keys, and checks that there are no others.
func (w *watcher) wait(t testing.TB, want ...string) {
	t.Helper()
	slices.Sort(want)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		got := slices.Compact(slices.Sorted(slices.Values(w.keys))) // told twice is no harm
		w.mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
		if len(got) >= len(want) || time.Now().After(deadline) {
			t.Errorf("told of %d removals, want %d, or others", len(got), len(want))
			return
		}
	}
}

// stop ends the watch, once.
func (w *watcher) stop(t testing.TB) {
	t.Helper()
	if w.cancel == nil {
		return
	}
	w.cancel()
	w.cancel = nil
	select {
	case err := <-w.done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Watch = %v, want the context's error", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Watch goes on after the end of its context")
	}
}
