package cookie_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// BenchmarkW5 is a request that starts the session from its cookie and reads one of five values; BenchmarkW6
// writes one, too. Both report how many times as long that takes as
//
//   - x-floor: a handler that decodes and opens the same bytes with the standard library, and for W6 seals
//     them again and sets the cookie
//   - x-crypto: AES-GCM alone
//
// The three take turns of many requests, and the median turn counts: what else a machine is busy with slows
// down all of them.
func BenchmarkW5(b *testing.B) { benchmark(b, false) }

func BenchmarkW6(b *testing.B) { benchmark(b, true) }

func benchmark(b *testing.B, write bool) {
	v := newVisitor(b)
	floor := newFloor(b, len(v.cookie[0]))
	const turn = 1000
	var turns [3][]time.Duration
	work := [len(turns)]func(){
		func() { v.request(b, write) },
		func() { floor.request(write) },
		func() { floor.crypto(write) },
	}
	for b.Loop() {
		for i, do := range work {
			start := time.Now()
			for range turn {
				do()
			}
			turns[i] = append(turns[i], time.Since(start))
		}
	}
	var took [len(turns)]float64
	b.ReportMetric(0, "ns/op")
	for i, unit := range []string{"ns/request", "ns/floor", "ns/crypto"} {
		slices.Sort(turns[i])
		took[i] = float64(turns[i][len(turns[i])/2].Nanoseconds()) / turn
		b.ReportMetric(took[i], unit)
	}
	b.ReportMetric(took[0]/took[1], "x-floor")
	b.ReportMetric(took[0]/took[2], "x-crypto")
	b.ReportMetric(testing.AllocsPerRun(1000, work[0]), "allocs/request")
	b.ReportMetric(testing.AllocsPerRun(1000, work[1]), "allocs/floor")
}

// A visitor has a session of five values.
type visitor struct {
	m      *session.Manager
	cookie []string
	r      *http.Request
	w      silent
}

func newVisitor(b testing.TB) *visitor {
	m := newManager(b, oneKey, session.CfgMaxLifeTime(24*3600), session.CfgTouchInterval(time.Hour))
	c := newBrowser(b)
	c.visit(m, func(s *session.Session) {
		set(b, s, "user_id", int64(1234567))
		set(b, s, "name", "Grace Hopper")
		set(b, s, "roles", []string{"admin", "editor", "viewer"})
		set(b, s, "csrf", bytes.Repeat([]byte{0xa5}, 32))
		set(b, s, "login", time.Date(2025, 11, 21, 20, 5, 7, 123456789, time.UTC))
	})
	v := &visitor{m: m, cookie: []string{c.jar.header(false)}, r: httptest.NewRequest("GET", "/", nil), w: silent{http.Header{}}}
	v.request(b, false)
	return v
}

func (v *visitor) request(b testing.TB, write bool) {
	v.r.Header["Cookie"] = v.cookie
	clear(v.w.header)
	ctx := v.r.Context()
	s, err := v.m.Start(v.w, v.r)
	if err != nil {
		b.Fatal(err)
	}
	defer s.SessionRelease(ctx, v.w)
	if s.Get(ctx, "name") != "Grace Hopper" {
		b.Fatal("the name is lost")
	}
	if write {
		if err := s.Set(ctx, "name", "Grace Brewster Hopper"); err != nil {
			b.Fatal(err)
		}
	}
}

// silent is a response that nobody reads.
type silent struct{ header http.Header }

func (w silent) Header() http.Header         { return w.header }
func (w silent) Write(p []byte) (int, error) { return len(p), nil }
func (w silent) WriteHeader(int)             {}

// A floor does what cannot be avoided, with bytes that mean nothing, in memory that it has already but for
// what outlives the request.
type floor struct {
	aead    cipher.AEAD
	sealed  []byte
	cookie  string
	header  http.Header
	scratch []byte
}

func newFloor(b *testing.B, cookie int) *floor {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	f := &floor{header: http.Header{}, scratch: make([]byte, 0, 4096)}
	if f.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		b.Fatal(err)
	}
	n := base64.RawURLEncoding.DecodedLen(cookie-len("gosessionid=")) - f.aead.Overhead()
	f.sealed = f.aead.Seal(nil, nil, make([]byte, n), nil)
	f.cookie = "gosessionid=" + base64.RawURLEncoding.EncodeToString(f.sealed)
	return f
}

func (f *floor) request(write bool) {
	clear(f.header)
	_, value, _ := strings.Cut(f.cookie, "=")
	sealed, err := base64.RawURLEncoding.AppendDecode(f.scratch, []byte(value))
	if err != nil {
		panic(err)
	}
	plain, err := f.aead.Open(nil, nil, sealed, nil)
	if err != nil {
		panic(err)
	}
	if write {
		line := append(f.scratch, "gosessionid="...)
		line = base64.RawURLEncoding.AppendEncode(line, f.aead.Seal(nil, nil, plain, nil))
		line = append(line, "; Path=/; HttpOnly; SameSite=Lax"...)
		f.header["Set-Cookie"] = []string{string(line)}
	}
}

func (f *floor) crypto(write bool) {
	plain, err := f.aead.Open(nil, nil, f.sealed, nil)
	if err != nil {
		panic(err)
	}
	if write {
		f.aead.Seal(nil, nil, plain, nil)
	}
}
