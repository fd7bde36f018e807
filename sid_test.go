package session

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"math"
	"math/bits"
	"strings"
	"testing"
	"testing/iotest"
)

func sidManager(t testing.TB, opts ...ManagerConfigOpt) *Manager {
	t.Helper()
	s, err := NewManagerConfig(opts...).resolve()
	if err != nil {
		t.Fatal(err)
	}
	m := &Manager{cfg: s}
	m.none = noRequest(m, noReply{m})
	return m
}

// TestSIDsAreRandom looks for what a broken generator would show: duplicates, letters that are favoured in
// some place, bits that are, places that follow one another, and one half that repeats the other.
func TestSIDsAreRandom(t *testing.T) {
	const n = 200_000
	m := sidManager(t)
	seen := make(map[string]bool, n)
	var letters [32][16]int
	var pairs [16][16]int
	ones, borders := 0, 0
	for range n {
		sid, err := m.none.newSID()
		if err != nil {
			t.Fatal(err)
		}
		if seen[sid] {
			t.Fatal("a sid came twice")
		}
		seen[sid] = true
		if sid[:4] == sid[len(sid)-4:] {
			borders++
		}
		for i := range len(sid) {
			v := strings.IndexByte("0123456789abcdef", sid[i])
			letters[i][v]++
			ones += bits.OnesCount(uint(v))
			if i > 0 {
				pairs[strings.IndexByte("0123456789abcdef", sid[i-1])][v]++
			}
		}
	}
	for i, counts := range letters {
		if x := chiSquare(counts[:]); x > 60 { // 15 degrees of freedom: once in 4 million tables
			t.Errorf("place %d: chi-square %.0f", i, x)
		}
	}
	for i, counts := range pairs {
		if x := chiSquare(counts[:]); x > 60 {
			t.Errorf("after %x: chi-square %.0f", i, x)
		}
	}
	all := float64(n * 128)
	if dev := math.Abs(float64(ones)-all/2) / math.Sqrt(all/4); dev > 6 {
		t.Errorf("ones are %.1f standard deviations off", dev)
	}
	if borders > 30 { // 3 expected
		t.Errorf("%d sids end as they begin", borders)
	}
}

func chiSquare(counts []int) (x float64) {
	sum := 0
	for _, c := range counts {
		sum += c
	}
	want := float64(sum) / float64(len(counts))
	for _, c := range counts {
		d := float64(c) - want
		x += d * d / want
	}
	return x
}

func TestSIDShape(t *testing.T) {
	m := sidManager(t, CfgSessionIdPrefix("app-"), CfgSessionIdLength(20))
	sid, err := m.none.newSID()
	if err != nil || len(sid) != 4+40 || !strings.HasPrefix(sid, "app-") || !m.validSID(sid) {
		t.Fatalf("length %d, %v", len(sid), err)
	}
	hex := sid[4:]
	for name, bad := range map[string]string{
		"empty":            "",
		"prefix alone":     "app-",
		"no prefix":        hex,
		"other prefix":     "App-" + hex,
		"short":            sid[:len(sid)-1],
		"long":             sid + "0",
		"upper case":       "app-" + strings.ToUpper("ab") + hex[2:],
		"no hex":           "app-g" + hex[1:],
		"below zero":       "app-/" + hex[1:],
		"above nine":       "app-:" + hex[1:],
		"above f":          "app-`" + hex[1:],
		"space":            "app- " + hex[1:],
		"NUL":              "app-\x00" + hex[1:],
		"line break":       sid[:len(sid)-1] + "\n",
		"path":             "app-../../../../etc/passwd" + hex[22:],
		"escaped":          "app-%2e" + hex[3:],
		"glob":             "app-*" + hex[1:],
		"UTF-8":            "app-é" + hex[2:],
		"public id":        m.publicID(sid),
		"65536 characters": strings.Repeat("a", 1<<16),
	} {
		if m.validSID(bad) {
			t.Errorf("%s is taken for a sid", name)
		}
	}
}

func TestNoRandomnessNoSID(t *testing.T) {
	before := rand.Reader
	defer func() { rand.Reader = before }()
	broken := errors.New("entropy is out")
	for name, r := range map[string]io.Reader{
		"error":          iotest.ErrReader(broken),
		"short":          bytes.NewReader(make([]byte, 15)),
		"short, error":   io.MultiReader(bytes.NewReader(make([]byte, 15)), iotest.ErrReader(broken)),
		"nothing at all": bytes.NewReader(nil),
	} {
		rand.Reader = r
		if sid, err := sidManager(t).none.newSID(); err == nil || sid != "" {
			t.Errorf("%s: %q, %v", name, sid, err)
		}
	}
}

func TestPublicIDs(t *testing.T) {
	a, b := sidManager(t), sidManager(t, CfgNamespace("b"))
	sid, err := a.none.newSID()
	if err != nil {
		t.Fatal(err)
	}
	if id := a.publicID(sid); len(id) != 43 || a.publicID(sid) != id || strings.Contains(id, sid) {
		t.Error("no public id")
	}
	if a.publicID(sid) == b.publicID(sid) {
		t.Error("two namespaces share a key")
	}
}
