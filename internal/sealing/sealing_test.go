package sealing

import (
	"bytes"
	"strings"
	"testing"
)

const (
	secretA = "0123456789abcdef"
	secretB = "fedcba9876543210"
)

func box(t testing.TB, purpose string, secrets ...string) *Box {
	t.Helper()
	b, err := New(purpose, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	b := box(t, "test", secretA)
	for _, n := range []int{0, 1, 15, 16, 17, 4096} {
		plain := bytes.Repeat([]byte{'x'}, n)
		sealed := b.Seal([]byte("dst"), plain, []byte("about"))
		if len(sealed) != 3+n+Overhead {
			t.Errorf("%d bytes sealed take %d", n, len(sealed)-3)
		}
		got, _, err := b.Open([]byte("out"), sealed[3:], []byte("about"))
		if err != nil || !bytes.Equal(got, append([]byte("out"), plain...)) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if bytes.Equal(b.Seal(nil, nil, nil), b.Seal(nil, nil, nil)) {
		t.Error("one text is sealed in one way")
	}
}

func TestEveryChangeIsRefusedAlike(t *testing.T) {
	b := box(t, "test", secretA, secretB)
	sealed := b.Seal(nil, []byte("who is it"), []byte("about"))
	refused := func(what string, b *Box, sealed []byte, about string) {
		t.Helper()
		if got, _, err := b.Open(nil, sealed, []byte(about)); err != ErrOpen || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	for i := range len(sealed) * 8 {
		flipped := bytes.Clone(sealed)
		flipped[i/8] ^= 1 << (i % 8)
		refused("flipped bit", b, flipped, "about")
	}
	for n := range len(sealed) {
		refused("cut off", b, sealed[:n], "about")
	}
	refused("longer", b, append(bytes.Clone(sealed), 0), "about")
	refused("about another", b, sealed, "another")
	refused("other purpose", box(t, "other", secretA, secretB), sealed, "about")
	refused("other key", box(t, "test", secretB), sealed, "about")
}

func TestRotation(t *testing.T) {
	before, overlap, after := box(t, "test", secretA), box(t, "test", secretB, secretA), box(t, "test", secretB)
	if _, first, err := overlap.Open(nil, before.Seal(nil, []byte("x"), nil), nil); err != nil || first {
		t.Error("the old key does not open any more")
	}
	if _, first, err := after.Open(nil, overlap.Seal(nil, []byte("x"), nil), nil); err != nil || !first {
		t.Error("the first key does not seal")
	}
}

// Ids have four bytes, so that two keys may have the same one: as these have, found among 50 000.
func TestKeysOfOneID(t *testing.T) {
	const one, two = "a secret of the tests 14859", "a secret of the tests 48946"
	a, b := box(t, "test", one), box(t, "test", two)
	if a.keys[0].id != b.keys[0].id {
		t.Fatal("the ids differ: look for another pair")
	}
	both := box(t, "test", one, two)
	for _, sealed := range [][]byte{a.Seal(nil, []byte("x"), nil), b.Seal(nil, []byte("x"), nil)} {
		if got, _, err := both.Open([]byte("out"), sealed, nil); string(got) != "outx" || err != nil {
			t.Errorf("Open = %q, %v", got, err)
		}
	}
	if got, _, err := a.Open([]byte("out"), b.Seal(nil, []byte("x"), nil), nil); string(got) != "out" || err != ErrOpen {
		t.Errorf("the other's: Open = %q, %v", got, err)
	}
}

func TestBadSecrets(t *testing.T) {
	for want, secrets := range map[string][]string{
		"no key is given": {},
		"key 1 has 0 bytes, at least 16 are needed":  {""},
		"key 2 has 15 bytes, at least 16 are needed": {secretA, secretB[1:]},
		"key 3 was given before":                     {secretA, secretB, secretA},
	} {
		_, err := New("test", secrets...)
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if err != nil && strings.Contains(err.Error(), secretA) {
			t.Error("the error shows a secret")
		}
	}
}

func FuzzOpen(f *testing.F) {
	b := box(f, "test", secretA)
	f.Add(b.Seal(nil, []byte("text"), nil))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if plain, _, err := b.Open(nil, sealed, nil); err == nil && len(plain) != len(sealed)-Overhead {
			t.Error("opened to another length")
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	k := box(b, "test", secretA)
	sealed, dst := k.Seal(nil, make([]byte, 512), nil), make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := k.Open(dst, sealed, nil); err != nil {
			b.Fatal(err)
		}
	}
}
