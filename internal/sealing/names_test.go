package sealing

import (
	"encoding/base64"
	"strings"
	"testing"
)

func names(t testing.TB, secrets ...string) *Names {
	t.Helper()
	n, err := NewNames("test", secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNames(t *testing.T) {
	n := names(t, secretA, secretB)
	seen := make(map[string]bool)
	for _, name := range []string{"", "ann", "Ann", "ann@example.org", strings.Repeat("x", 300), "\x00\xff"} {
		for _, about := range []string{"", "app"} {
			sealed := n.Seal(name, about)
			if again := n.Seal(name, about); sealed[0] != again[0] || sealed[1] != again[1] {
				t.Error("one name is sealed in two ways")
			}
			for _, s := range sealed {
				if seen[s] {
					t.Error("two names are sealed in one way")
				}
				seen[s] = true
				if got, err := n.Open(s, about); err != nil || got != name {
					t.Errorf("Open = %q, %v, want %q", got, err, name)
				}
				if _, err := n.Open(s, about+"other"); err != ErrOpen {
					t.Errorf("Open about another: %v", err)
				}
			}
		}
	}
	if got := names(t, secretB, secretA).Seal("ann", "")[1]; got != n.Seal("ann", "")[0] {
		t.Error("what a key seals depends on its place")
	}
}

// Who reads a store must not see which users of two applications are the same.
func TestNamesAboutDifferentThings(t *testing.T) {
	n := names(t, secretA)
	a, b := n.Seal("ann", "app")[0], n.Seal("ann", "shop")[0]
	for i := 0; i+4 <= len(a); i += 4 {
		if a[i:i+4] == b[i:i+4] {
			t.Fatalf("%q and %q have a part in common", a, b)
		}
	}
}

func TestNamesRefused(t *testing.T) {
	n := names(t, secretA)
	sealed := n.Seal("ann", "app")[0]
	raw, _ := base64.RawURLEncoding.DecodeString(sealed)
	for i := range len(raw) * 8 {
		raw[i/8] ^= 1 << (i % 8)
		if _, err := n.Open(base64.RawURLEncoding.EncodeToString(raw), "app"); err != ErrOpen {
			t.Fatalf("bit %d flipped: %v", i, err)
		}
		raw[i/8] ^= 1 << (i % 8)
	}
	for i := range len(sealed) {
		if _, err := n.Open(sealed[:i], "app"); err != ErrOpen {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	for _, s := range []string{"", "ann", "=", sealed + "=", strings.Repeat("A", 1000)} {
		if _, err := n.Open(s, "app"); err != ErrOpen {
			t.Errorf("%.10q: %v", s, err)
		}
	}
	if _, err := names(t, secretB).Open(sealed, "app"); err != ErrOpen {
		t.Errorf("another key: %v", err)
	}
}
