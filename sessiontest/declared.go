package sessiontest

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
)

// optionalInterfaces are what a [driver.Backend] can implement beyond the five methods. Each has one method.
var optionalInterfaces = []reflect.Type{
	reflect.TypeFor[driver.Marker](), reflect.TypeFor[driver.Sweeper](), reflect.TypeFor[driver.Renamer](),
	reflect.TypeFor[driver.UserLister](), reflect.TypeFor[driver.UserLimiter](), reflect.TypeFor[driver.Lister](),
	reflect.TypeFor[driver.Counter](), reflect.TypeFor[driver.Clearer](), reflect.TypeFor[driver.Watcher](),
	reflect.TypeFor[driver.Pinger](), reflect.TypeFor[driver.AliasLister](), reflect.TypeFor[driver.InProcess](),
	reflect.TypeFor[driver.KeyLimiter](), reflect.TypeFor[io.Closer](),
}

var declaredCases = []testCase{{
	name:       "declared/signatures",
	sentence:   "declared",
	rule:       "A method with the name of an optional one has its signature, so that the Manager finds it.",
	clientSide: true,
	check: func(t testing.TB, e *env) {
		b := e.node(t)
		interfaces, layers := optionalInterfaces, layersOf(b)
		if c, ok := b.(*client); ok {
			interfaces, layers = sealerInterfaces, []any{c.sealer}
		}
		_, wrong := declared(interfaces, layers...)
		for _, sentence := range wrong {
			t.Error(sentence)
		}
	},
}}

// sealerInterfaces are the same for a [driver.Sealer].
var sealerInterfaces = []reflect.Type{reflect.TypeFor[interface{ Cookies() driver.CookieConfig }](), reflect.TypeFor[io.Closer]()}

// declared returns the names of the interfaces that none of the engine's layers implements. Each layer is a backend, or what
// its Unwrap returns. wrong has a sentence for each method that has the name of an optional one and another signature:
// the Manager does not find such a method.
func declared(interfaces []reflect.Type, layers ...any) (missing, wrong []string) {
	for _, want := range interfaces {
		method, found := want.Method(0), false
		for _, layer := range layers {
			is := reflect.TypeOf(layer)
			found = found || is.Implements(want)
			if m, ok := is.MethodByName(method.Name); ok && !is.Implements(want) {
				got := reflect.ValueOf(layer).Method(m.Index).Type()
				wrong = append(wrong, fmt.Sprintf("%v has %s%s, which nothing calls: %v has %s%s", is, m.Name, signature(got),
					nameOf(want), method.Name, signature(method.Type)))
			}
		}
		if !found {
			missing = append(missing, nameOf(want))
		}
	}
	return missing, wrong
}

// nameOf returns an interface's name, or the interface itself if it has none.
func nameOf(t reflect.Type) string {
	if t.Name() == "" {
		return t.String()
	}
	return strings.TrimPrefix(t.String(), "driver.")
}

// signature returns the parameters and results of a function.
func signature(t reflect.Type) string { return strings.TrimPrefix(t.String(), "func") }

// layersOf returns b and the backends that it wraps.
func layersOf(b driver.Backend) (layers []any) {
	for b != nil {
		layers = append(layers, b)
		w, ok := b.(interface{ Unwrap() driver.Backend })
		if !ok {
			break
		}
		b = w.Unwrap()
	}
	return layers
}
