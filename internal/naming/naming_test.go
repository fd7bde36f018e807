package naming

import (
	"strings"
	"testing"
)

func TestNamespace(t *testing.T) {
	seen := make(map[string]string)
	for _, ns := range []string{
		"", "session", "%73ession", "a", "ab", "a:b", "a b", "a%20b", "a%b", "ä", "{a}", "a*", "a?", "[a]", "\x00", "\r\nset x", "A", "a-b_c",
	} {
		name := Namespace(ns)
		if other, taken := seen[name]; taken {
			t.Errorf("%q and %q have the same name", ns, other)
		}
		seen[name] = ns
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_%") != "" || name == "" {
			t.Errorf("%q has the name %q", ns, name)
		}
	}
}

func TestValidKey(t *testing.T) {
	for key, want := range map[string]bool{
		"": false, "a": true, strings.Repeat("Az09-_", 7): true, "a:b": false, "a b": false, "a\n": false, "ä": false, "{a}": false, "a%": false,
	} {
		if ValidKey(key) != want {
			t.Errorf("ValidKey(%q) = %t", key, !want)
		}
	}
}
