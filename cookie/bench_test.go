package cookie_test

import (
	"bytes"
	"context"
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

// A workload is what a request does with a session of five values.
type workload int

const (
	begins workload = iota // W3: there is none, and all of them are set
	reads                  // W5: reads one
	writes                 // W6: reads one, and sets it
)

// BenchmarkW3, W5 and W6 report how many times as long a request takes, by Start and under Handler, as
//
//   - x-floor: a handler that decodes and opens the same bytes with the standard library, and for W3 and W6 seals
//     them and sets the cookie
//   - x-crypto: AES-GCM alone
//
// They take turns of many requests, and the median turn counts: what else a machine is busy with slows
// down all of them.
func BenchmarkW3(b *testing.B) { benchmark(b, begins) }

func BenchmarkW5(b *testing.B) { benchmark(b, reads) }

func BenchmarkW6(b *testing.B) { benchmark(b, writes) }

func benchmark(b *testing.B, w workload) {
	v := newVisitor(b)
	floor := newFloor(b, len(v.cookie[0]))
	const turn = 1000
	var turns [4][]time.Duration
	work := [len(turns)]func(){
		func() { v.start(b, w) },
		func() { v.handle(w) },
		func() { floor.request(w) },
		func() { floor.crypto(w) },
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
	for i, unit := range []string{"ns/Start", "ns/Handler", "ns/floor", "ns/crypto"} {
		slices.Sort(turns[i])
		took[i] = float64(turns[i][len(turns[i])/2].Nanoseconds()) / turn
		b.ReportMetric(took[i], unit)
	}
	for i, way := range []string{"Start", "Handler"} {
		b.ReportMetric(took[i]/took[2], "x-floor/"+way)
		b.ReportMetric(took[i]/took[3], "x-crypto/"+way)
	}
	for i, way := range []string{"Start", "Handler", "floor"} {
		b.ReportMetric(testing.AllocsPerRun(1000, work[i]), "allocs/"+way)
	}
}

// A visitor has a session of five values.
type visitor struct {
	m       *session.Manager
	cookie  []string
	r       *http.Request
	w       silent
	handler http.Handler
	now     workload // of handler
}

func newVisitor(b testing.TB) *visitor {
	m := newManager(b, oneKey, session.CfgMaxLifeTime(24*3600), session.CfgTouchInterval(time.Hour))
	c := newBrowser(b)
	c.visit(m, func(s *session.Session) { use(b.Context(), b, s, begins) })
	v := &visitor{m: m, cookie: []string{c.jar.header(false)}, r: httptest.NewRequest("GET", "/", nil), w: silent{http.Header{}}}
	v.handler = m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err != nil {
			b.Fatal(err)
		}
		use(r.Context(), b, s, v.now)
	}))
	v.start(b, reads)
	return v
}

// fiveValues are boxed already, so that Set takes them without an allocation.
var fiveValues = []struct{ key, value any }{
	{"name", "Grace Hopper"},
	{"user_id", int64(1234567)},
	{"roles", []string{"admin", "editor", "viewer"}},
	{"csrf", bytes.Repeat([]byte{0xa5}, 32)},
	{"login", time.Date(2025, 11, 21, 20, 5, 7, 123456789, time.UTC)},
}

// use does the work.
func use(ctx context.Context, b testing.TB, s *session.Session, w workload) {
	values := fiveValues
	if w != begins {
		if values = fiveValues[:1]; s.Get(ctx, "name") != values[0].value {
			b.Fatal("the name is lost")
		}
	}
	if w == reads {
		return
	}
	for _, v := range values {
		if err := s.Set(ctx, v.key, v.value); err != nil {
			b.Fatal(err)
		}
	}
}

// start makes a request by Start.
func (v *visitor) start(b testing.TB, w workload) {
	v.prepare(w)
	s, err := v.m.Start(v.w, v.r)
	if err != nil {
		b.Fatal(err)
	}
	defer s.SessionRelease(v.r.Context(), v.w)
	use(v.r.Context(), b, s, w)
}

// handle makes one under Handler.
func (v *visitor) handle(w workload) {
	v.prepare(w)
	v.now = w
	v.handler.ServeHTTP(v.w, v.r)
}

func (v *visitor) prepare(w workload) {
	v.r.Header["Cookie"] = v.cookie
	if w == begins {
		delete(v.r.Header, "Cookie")
	}
	clear(v.w.header)
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
	plain   []byte
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
	f.plain = make([]byte, n)
	f.sealed = f.aead.Seal(nil, nil, f.plain, nil)
	f.cookie = "gosessionid=" + base64.RawURLEncoding.EncodeToString(f.sealed)
	return f
}

func (f *floor) request(w workload) {
	clear(f.header)
	plain := f.plain
	if w != begins {
		_, value, _ := strings.Cut(f.cookie, "=")
		sealed, err := base64.RawURLEncoding.AppendDecode(f.scratch, []byte(value))
		if err != nil {
			panic(err)
		}
		if plain, err = f.aead.Open(nil, nil, sealed, nil); err != nil {
			panic(err)
		}
	}
	if w != reads {
		line := append(f.scratch, "gosessionid="...)
		line = base64.RawURLEncoding.AppendEncode(line, f.aead.Seal(nil, nil, plain, nil))
		line = append(line, "; Path=/; HttpOnly; SameSite=Lax"...)
		f.header["Set-Cookie"] = []string{string(line)}
	}
}

func (f *floor) crypto(w workload) {
	plain := f.plain
	if w != begins {
		var err error
		if plain, err = f.aead.Open(nil, nil, f.sealed, nil); err != nil {
			panic(err)
		}
	}
	if w != reads {
		f.aead.Seal(nil, nil, plain, nil)
	}
}
