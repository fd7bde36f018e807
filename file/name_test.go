package file

import (
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	safeName      = regexp.MustCompile(`^(?:[0-9a-f]{64}|key-[a-z0-9_%-]*)$`)
	safeNamespace = regexp.MustCompile(`^sessions(?:-[a-z0-9_%-]+|~[0-9a-f]{64})?$`)
	safePath      = regexp.MustCompile(`^(?:[0-9a-f]{2}/)?[0-9a-f]{2}/[^/]+$`)
)

var hostile = []string{
	"", " ", ".", "..", "../", "../../etc/passwd", "/etc/passwd", "a/b", "..\\..\\x", `C:\x`, "c:x", "\x00", "a\x00b",
	"a", "A", "%2e%2e%2f", "%2E", "..%2f", "con", "NUL", "com1.txt", "a.", "a ", "é", "é", "\xff\xfe", "*", "?", "a\nb",
	"tmp-0123456789abcdef", "key-", "key-a", "locks", "users", "sessions", "~", "-", strings.Repeat("a", 100),
	strings.Repeat("Z", 80), strings.Repeat(".", 200), strings.Repeat("../", 1000), strings.Repeat("a", 64<<10),
	strings.Repeat("0", 64), strings.Repeat("a", 43), strings.Repeat("A", 43), strings.Repeat("A", 42) + "B",
	strings.Repeat("A", 42) + "\n", strings.Repeat("=", 43), strings.Repeat("-", 43),
}

func FuzzName(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	sum := sha256.Sum256([]byte("sid"))
	f.Add(base64.RawURLEncoding.EncodeToString(sum[:]))
	stores := []*store{placing(false), placing(true)}
	f.Fuzz(func(t *testing.T, text string) {
		s := stores[len(text)%2]
		if ns := namespaceFolder(text); !safeNamespace.MatchString(ns) || len(ns) > 255 || (text == "") != (ns == sessionsDir) {
			t.Errorf("namespace %.50q: %q", text, ns)
		}
		if keyed, ok := keyOf(text); ok {
			if p, ok := s.place(keyed); len(text) <= maxName && (!ok || p.name() != text) {
				t.Errorf("the file %q is of the key %q, which is in %q", text, keyed, p.path)
			}
		}
		p, ok := s.place(text)
		if !ok {
			if len(text) <= (maxName-len(keyPrefix))/3 {
				t.Errorf("no place for %q", text)
			}
			return
		}
		if name := p.name(); !safePath.MatchString(p.path) || !safeName.MatchString(name) || len(name) > maxName || isTemp(name) {
			t.Errorf("%q is in %q", text, p.path)
		}
		if back, ok := keyOf(p.name()); !ok || back != text {
			t.Errorf("%q is in %q, which is of %q", text, p.path, back)
		}
		if same, ok := s.placeOf(p.name()); !ok || same != p {
			t.Errorf("%q is in %q, but found in %q", text, p.path, same.path)
		}
	})
}

func TestKeyIsHex(t *testing.T) {
	sum := sha256.Sum256([]byte("sid"))
	for deep, want := range map[bool]string{
		false: "34/34b36454cab2e7842c389f7d88ecb7df279e3918cbac07970d4cde496e70f4c8",
		true:  "34/b3/34b36454cab2e7842c389f7d88ecb7df279e3918cbac07970d4cde496e70f4c8",
	} {
		if p, _ := placing(deep).place(base64.RawURLEncoding.EncodeToString(sum[:])); p.path != want {
			t.Errorf("the place of a storage key is %q, want %q", p.path, want)
		}
	}
}

// placing returns a store that knows where sessions would be.
func placing(deep bool) *store {
	h := new(home)
	h.use(opened{deep: deep})
	return newStore(h, none)
}

// TestNamesDiffer checks that no two of many texts share a name, also where case does not count.
func TestNamesDiffer(t *testing.T) {
	s := placing(false)
	keys, namespaces, users := make(map[string]string), make(map[string]string), make(map[string]string)
	differ := func(kind string, names map[string]string, name, text string) {
		if other, taken := names[strings.ToLower(name)]; taken && other != text {
			t.Errorf("%s: %.50q and %.50q are both %q", kind, text, other, name)
		}
		names[strings.ToLower(name)] = text
	}
	for _, text := range hostile {
		for _, text := range []string{text, strings.ToUpper(text), strings.ToLower(text), text + "a", "a" + text} {
			if p, ok := s.place(text); ok {
				differ("key", keys, p.path, text)
			}
			differ("namespace", namespaces, namespaceFolder(text), text)
			differ("user", users, s.users.folder(text), text)
		}
	}
}

// TestNamesFit checks that a file can have the longest name.
func TestNamesFit(t *testing.T) {
	dir := t.TempDir()
	key := strings.Repeat("A", (maxName-len(keyPrefix))/3)
	p, ok := placing(false).place(key)
	if !ok {
		t.Fatalf("no place for a key of %d bytes", len(key))
	}
	if err := os.WriteFile(filepath.Join(dir, p.name()), nil, 0o600); err != nil {
		t.Error(err)
	}
	if err := os.Mkdir(filepath.Join(dir, namespaceFolder(strings.Repeat("A", 1000))), 0o700); err != nil {
		t.Error(err)
	}
}
