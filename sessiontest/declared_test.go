package sessiontest

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
)

var brokenDeclared = []breakage{
	{
		name:   "Count has another result",
		alter:  func(n *node) driver.Backend { return miscounted{plain{n}} },
		caught: []string{"declared/signatures"},
	},
	{
		name:   "Close has no result",
		alter:  func(n *node) driver.Backend { return &closingQuietly{plain{n}} },
		caught: []string{"declared/signatures"},
	},
	{
		name:   "a wrapped engine has another signature",
		alter:  func(n *node) driver.Backend { return wrapped{plain{n}, miscounted{plain{n}}} },
		caught: []string{"declared/signatures"},
	},
}

type miscounted struct{ plain }

func (miscounted) Count(context.Context) (int64, error) { return 0, nil }

type closingQuietly struct{ plain }

func (*closingQuietly) Close() {}

type miscooking struct{ driver.Sealer }

func (miscooking) Cookies() *driver.CookieConfig { return nil }

func TestDeclaredBySealer(t *testing.T) {
	for _, tt := range []struct {
		sealer driver.Sealer
		fails  bool
	}{{parted{nil, 2}, false}, {miscooking{}, true}} {
		open := clients(func(context.Context, driver.Config) (driver.Sealer, error) { return tt.sealer, nil })
		r := record(t, func(t testing.TB) { declaredCases[0].run(t, Harness{}.env(declaredCases[0], open)) })
		if r.Failed() != tt.fails {
			t.Errorf("%T: failed: %t\n%s", tt.sealer, r.Failed(), &r.log)
		}
	}
}

func TestDeclared(t *testing.T) {
	n := newWorld().node("")
	all := []string{
		"Marker", "Sweeper", "Renamer", "UserLister", "UserLimiter", "Lister", "Counter", "Clearer", "Watcher", "Pinger",
		"AliasLister", "InProcess", "KeyLimiter", "io.Closer",
	}
	for _, tt := range []struct {
		name    string
		b       driver.Backend
		missing []string
		wrong   string // is in the sentence; "" for none
	}{
		{"all but what describes it", n, []string{"InProcess", "KeyLimiter"}, ""},
		{"none", plain{n}, all, ""},
		{"by wrapping", wrapped{plain{n}, n}, []string{"InProcess", "KeyLimiter"}, ""},
		{"wrong", miscounted{plain{n}}, all, "Count(context.Context) (int64, error), which nothing calls: Counter has Count(context.Context) (int, error)"},
	} {
		missing, wrong := declared(optionalInterfaces, layersOf(tt.b)...)
		if !slices.Equal(missing, tt.missing) {
			t.Errorf("%s: %q are missing, want %q", tt.name, missing, tt.missing)
		}
		if got := strings.Join(wrong, "\n"); len(wrong) > 1 || (got == "") != (tt.wrong == "") || !strings.Contains(got, tt.wrong) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.wrong)
		}
	}
}

// TestOptionalInterfaces checks that the table has each interface, with one method, as the comparison expects.
func TestOptionalInterfaces(t *testing.T) {
	methods := make(map[string]bool)
	for _, want := range slices.Concat(optionalInterfaces, sealerInterfaces) {
		if want.NumMethod() != 1 {
			t.Errorf("%v has %d methods", want, want.NumMethod())
			continue
		}
		methods[want.Method(0).Name] = true
	}
	has := reflect.TypeFor[*node]()
	for i := range has.NumMethod() { // a node has all that describes no store of its own
		if name := has.Method(i).Name; !methods[name] && !slices.Contains([]string{"Create", "Load", "Save", "Touch", "Delete"}, name) {
			t.Errorf("a node has %s, which the table does not know", name)
		}
	}
}
