package cas_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/internal/cas"
)

var namespaces = []string{
	"", "session", "%73ession", "app", "App", "app ", "app:", "app:x", "app%3Ax", "a", "~", "~a", "%7E", "ü", "\xff", "\x00", "a\r\nb",
	strings.Repeat("n", 128), strings.Repeat("n", 129), strings.Repeat("n", 130), strings.Repeat(":", 43), strings.Repeat(":", 42),
	"~" + strings.Repeat("A", 43),
}

func TestPrefix(t *testing.T) {
	shape := regexp.MustCompile(`^[A-Za-z0-9_%~-]{1,128}:$`)
	seen := make(map[string]string)
	for _, namespace := range namespaces {
		p := cas.Prefix(namespace)
		if !shape.MatchString(p) {
			t.Errorf("%q becomes %q", namespace, p)
		}
		if other, ok := seen[p]; ok {
			t.Errorf("%q and %q become %q", namespace, other, p)
		}
		seen[p] = namespace
	}
	if p := cas.Prefix("app"); p != "app:" {
		t.Errorf("app becomes %q", p)
	}
}

func FuzzPrefix(f *testing.F) {
	for i, namespace := range namespaces {
		f.Add(namespace, namespaces[len(namespaces)-1-i])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		p, q := cas.Prefix(a), cas.Prefix(b)
		if (p == q) != (a == b) {
			t.Errorf("%q and %q become %q and %q", a, b, p, q)
		}
		if len(p) > 129 || strings.ContainsAny(p, " \r\n\x00") || strings.Index(p, ":") != len(p)-1 {
			t.Errorf("%q becomes %q", a, p)
		}
	})
}
