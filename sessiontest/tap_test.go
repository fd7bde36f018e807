package sessiontest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// TestTapped checks that all calls which change or load records go through a tap, and that it adds no ability.
func TestTapped(t *testing.T) {
	for _, tt := range []struct {
		name           string
		of             func(n *node) driver.Backend
		renames, marks bool
	}{
		{"plain", func(n *node) driver.Backend { return plain{n} }, false, false},
		{"renamer", func(n *node) driver.Backend { return renamer{plain{n}, n} }, true, false},
		{"marker", func(n *node) driver.Backend { return marker{plain{n}, n} }, false, true},
		{"both", func(n *node) driver.Backend { return n }, true, true},
		{"both, wrapped", func(n *node) driver.Backend { return wrapped{plain{n}, n} }, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var methods, want []string
			refused := errors.New("refused")
			b := tapped(tt.of(newWorld().node("ns")), func(c call, _ func() error) error {
				methods = append(methods, c.method)
				return refused
			})
			rec := newRecord("x")
			calls := map[string]func() error{
				"create": func() error { return b.Create(t.Context(), "k", rec) },
				"load":   func() error { return b.Load(t.Context(), "k", rec) },
				"save":   func() error { return b.Save(t.Context(), "k", rec) },
				"touch":  func() error { return b.Touch(t.Context(), "k", time.Now()) },
				"delete": func() error { return b.Delete(t.Context(), "k", 0) },
			}
			r, renames := driver.As[driver.Renamer](b)
			m, marks := driver.As[driver.Marker](b)
			if renames != tt.renames || marks != tt.marks {
				t.Fatalf("renames %t, marks %t; want %t, %t", renames, marks, tt.renames, tt.marks)
			}
			if renames {
				calls["rename"] = func() error { return r.Rename(t.Context(), "k", 1, "new", rec, driver.Mark{}) }
			}
			if marks {
				calls["mark"] = func() error { return m.Mark(t.Context(), "k", 1, newMark("")) }
			}
			for method, do := range calls {
				if err := do(); err != refused {
					t.Errorf("%s = %v, want what the tap returns", method, err)
				}
				want = append(want, method)
			}
			if !slices.Equal(methods, want) {
				t.Errorf("the tap has seen %q, want %q", methods, want)
			}
		})
	}
}

// TestTapPassesOn checks that a call which a tap lets through arrives as it was made.
func TestTapPassesOn(t *testing.T) {
	n := newWorld().node("ns")
	var versions []uint64
	b := tapped(n, func(c call, do func() error) error {
		versions = append(versions, c.version)
		return do()
	})
	r, _ := driver.As[driver.Renamer](b)
	m, _ := driver.As[driver.Marker](b)
	e := Harness{}.env(testCase{}, nil)
	create(t, b, "a", newRecord("x"))
	wantOK(t, "Rename", r.Rename(t.Context(), "a", 1, "b", newRecord("y"), newMark("renamed")))
	wantOK(t, "Mark", m.Mark(t.Context(), "b", 1, newMark("marked")))
	wantOK(t, "Mark", m.Mark(t.Context(), "c", 0, newMark("nothing")))
	if want := []uint64{0, 1, 1, 0}; !slices.Equal(versions, want) {
		t.Errorf("the calls are of versions %d, want %d", versions, want)
	}
	for key, target := range map[string]string{"a": "renamed", "b": "marked", "c": "nothing"} {
		e.wantMark(t, n, key, newMark(target))
	}
}

// renamer is plain, but for a Rename.
type renamer struct {
	plain
	driver.Renamer
}

// marker is plain, but for a Mark.
type marker struct {
	plain
	driver.Marker
}
