package sessiontest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memory"
)

// inMemory is the memory provider's store: one for each namespace.
var inMemory = Harness{Store: func(testing.TB) Open {
	var mu sync.Mutex
	stores := make(map[string]driver.Backend)
	return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		mu.Lock()
		defer mu.Unlock()
		if b := stores[c.Namespace]; b != nil {
			return b, nil
		}
		b, err := memory.Open(ctx, c)
		stores[c.Namespace] = b
		return b, err
	}
}}

// onWorld is the reference store, altered.
func onWorld(alter func(n *node) driver.Backend) Harness {
	return Harness{Local: true, Store: func(testing.TB) Open {
		w := newWorld()
		return func(_ context.Context, c driver.Config) (driver.Backend, error) {
			return alter(w.node(c.Namespace)), nil
		}
	}}
}

func TestModel(t *testing.T) {
	seeds := 10_000
	if testing.Short() {
		seeds = 1000
	}
	Model(t, inMemory, seeds)
}

// A long run must not play fewer seeds than a short one, where a test has many of its own.
func TestChosenSeeds(t *testing.T) {
	for _, tt := range []struct {
		env      map[string]string
		first, n int
	}{
		{nil, 0, 500},
		{map[string]string{"SESSION_SEEDS": "1000"}, 0, 1000},
		{map[string]string{"SESSION_SEEDS": "12"}, 0, 500},
		{map[string]string{"SESSION_SEEDS": "many"}, 0, 500},
		{map[string]string{"SESSION_SEED": "7"}, 7, 1},
		{map[string]string{"SESSION_SEED": "7", "SESSION_SEEDS": "1000"}, 7, 1},
	} {
		first, n := chosenSeeds(500, func(name string) string { return tt.env[name] })
		if first != tt.first || n != tt.n {
			t.Errorf("%v: %d seeds from %d on, want %d from %d on", tt.env, n, first, tt.n, tt.first)
		}
	}
}

func TestModelOfOthers(t *testing.T) {
	t.Run("renamer", func(t *testing.T) { Model(t, onWorld(func(n *node) driver.Backend { return n }), 500) })
	t.Run("odd", func(t *testing.T) { Model(t, onWorld(func(n *node) driver.Backend { return odd{n} }), 500) })
	t.Run("not local", func(t *testing.T) {
		h := onWorld(func(n *node) driver.Backend { return n })
		h.Local = false
		Model(t, h, 9)
	})
}

func TestModelIsDeterministic(t *testing.T) {
	m := newModel(t, inMemory)
	for seed := range 50 {
		first, second := m.play(t, seed), m.play(t, seed)
		if a, b := first.shownTrace(), second.shownTrace(); a != b {
			t.Fatalf("seed %d: twice the same, and\n%s\nis not\n%s", seed, a, b)
		}
	}
}

// TestModelCatches checks that a store with one thing wrong is found within so many seeds.
func TestModelCatches(t *testing.T) {
	const within = 3000
	plainly := []string{ // without a Rename
		"Save creates what is not there", "Save ignores the version", "Save's conflict carries the caller's record",
		"Save leaves Expires alone", "Touch creates what is not there", "Touch of nothing is no miss", "Touch does nothing",
		"Touch shortens", "Touch loses the data", "Save stores Expires as it comes",
		"Delete ignores the version", "Delete at a version of nothing is no error", "Delete removes only what was never saved",
		"Load does not look at the time", "Save does not look at the time", "Touch does not look at the time",
		"Delete does not look at the time", "a miss is an empty record",
	}
	renaming := []string{
		"Rename keeps the old record", "Rename ignores the version", "Rename creates what is not there",
	}
	for _, name := range slices.Concat(plainly, renaming) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(broken, func(b breakage) bool { return b.name == name })
			if i < 0 {
				t.Fatal("there is no such breakage")
			}
			alter := broken[i].alter
			if slices.Contains(plainly, name) {
				alter = func(n *node) driver.Backend { return plain{broken[i].alter(n)} }
			}
			m := newModel(t, onWorld(alter))
			for seed := range within {
				if p := m.play(t, seed); len(p.problems) > 0 {
					t.Logf("seed %d: %s", seed, p.problems[0])
					return
				}
			}
			t.Errorf("not caught within %d seeds", within)
		})
	}
}
