package sessiontest

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// Bench measures what a session adds to a request, in this process and without a network in front of it:
//
//	W1  a session from its cookie, one value read
//	W2  one value read and one written
//	W3  no cookie: a session begins, five values are written
//	W4  five values read
//	W7  in parallel, nine times W1 to one W2, over many sessions: 10,000, or 100,000 if -benchtime is 10s or more
//	W8  the same, all on one session
//
// On a Sealer, W1 and W2 are called W5 and W6, and the other workloads are left out. A session holds five values: a user
// id, a name, a list of roles, a token of 32 bytes and a time. Each workload has a floor, which does only the unavoidable
// work: it finds the cookie, looks into a map or makes the call that Harness.Floor returns, and reads the clock. The metric
// x-floor is the time of a request with a session divided by the time of its floor.
func Bench(b *testing.B, h Harness) {
	for _, w := range workloads {
		name, ok := w.named(h)
		if !ok {
			continue
		}
		b.Run(name, func(b *testing.B) {
			var floor float64
			b.Run("floor", func(b *testing.B) { floor = w.measure(b, newFloor(b, h, w)) })
			b.Run("session", func(b *testing.B) {
				ns := w.measure(b, newSubject(b, h, w))
				if floor > 0 {
					b.ReportMetric(ns/floor, "x-floor")
				}
			})
		})
	}
}

// Allocs returns how many allocations the session adds to one request of a workload of [Bench], such as "W1". The test ends
// if there is no such workload.
func Allocs(t testing.TB, h Harness, workload string) float64 {
	t.Helper()
	for _, w := range workloads {
		if name, ok := w.named(h); ok && name == workload {
			s := newSubject(t, h, w)
			c := s.client()
			return testing.AllocsPerRun(1000, func() { c.request(0) })
		}
	}
	t.Fatalf("there is no workload %q", workload)
	return 0
}

// A workload describes what a handler does.
type workload struct {
	name     string
	sealed   string // its name on a Sealer, "" if there is none
	sessions int    // how many sessions the requests choose from
	many     bool   // a long run has ten times as many
	parallel bool
	handle   func(s *session.Session, r *http.Request, n int) error
	floor    func(f *floor, r *http.Request, n int) error
}

var workloads = []workload{
	{name: "W1", sealed: "W5", sessions: 1, handle: readOne, floor: (*floor).read},
	{name: "W2", sealed: "W6", sessions: 1, handle: writeOne, floor: (*floor).write},
	{name: "W3", handle: writeAll, floor: (*floor).begin},
	{name: "W4", sessions: 1, handle: readAll, floor: (*floor).read},
	{name: "W7", sessions: 10_000, many: true, parallel: true, handle: mixed, floor: (*floor).mixed},
	{name: "W8", sessions: 1, parallel: true, handle: mixed, floor: (*floor).mixed},
}

// benchValues are the values of a session. They are already interface values, so passing them to Set allocates nothing.
var benchValues = []struct {
	key   string
	value any
}{
	{"id", int64(1234567890123)},
	{"name", "Ann Example"},
	{"roles", []string{"reader", "writer"}},
	{"token", []byte("0123456789abcdef0123456789abcdef")},
	{"since", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)},
}

// names are written alternately.
var names = [...]any{"Ann Example", "Bob Example"}

func readOne(s *session.Session, r *http.Request, _ int) error {
	if name, ok := s.Get(r.Context(), "name").(string); !ok || len(name) != len("Ann Example") {
		return errBench
	}
	return nil
}

func writeOne(s *session.Session, r *http.Request, n int) error {
	if err := readOne(s, r, n); err != nil {
		return err
	}
	return s.Set(r.Context(), "name", names[n%len(names)])
}

func writeAll(s *session.Session, r *http.Request, _ int) error {
	for _, v := range benchValues {
		if err := s.Set(r.Context(), v.key, v.value); err != nil {
			return err
		}
	}
	return nil
}

func readAll(s *session.Session, r *http.Request, _ int) error {
	for _, v := range benchValues {
		if s.Get(r.Context(), v.key) == nil {
			return errBench
		}
	}
	return nil
}

func mixed(s *session.Session, r *http.Request, n int) error {
	if n%10 == 9 {
		return writeOne(s, r, n)
	}
	return readOne(s, r, n)
}

var errBench = errors.New("a session without its values")

// named returns the workload's name on h, and whether it exists there.
func (w workload) named(h Harness) (string, bool) {
	if h.Sealer != nil {
		return w.sealed, w.sealed != ""
	}
	return w.name, true
}

// A subject is the code being measured. It answers requests that carry one of the cookies.
type subject struct {
	cookies []string // Cookie headers
	serve   func(w http.ResponseWriter, r *http.Request, n int) error
}

// newSubject makes a manager and its sessions.
func newSubject(t testing.TB, h Harness, w workload) *subject {
	t.Helper()
	e := &env{name: "bench", namespace: "bench"}
	if h.Sealer != nil {
		e.seal = h.Sealer(t)
	} else {
		e.open = h.Store(t)
	}
	m := e.manager(t)
	s := &subject{serve: func(rw http.ResponseWriter, r *http.Request, n int) error {
		s, err := m.Start(rw, r)
		if err != nil {
			return err
		}
		defer s.SessionRelease(r.Context(), rw)
		return w.handle(s, r, n)
	}}
	for range w.count() {
		b := new(browser)
		b.visit(t, m, func(s *flight) {
			if err := writeAll(s.Session, s.r, 0); err != nil {
				t.Fatal(err)
			}
		})
		s.cookies = append(s.cookies, "theme=dark; "+b.cookie)
	}
	return s
}

// count returns how many sessions the workload has.
func (w workload) count() int {
	if !w.many {
		return w.sessions
	}
	if f := flag.Lookup("test.benchtime"); f != nil {
		if d, err := time.ParseDuration(f.Value.String()); err == nil && d >= 10*time.Second {
			return 10 * w.sessions
		}
	}
	return w.sessions
}

// measure runs the subject and returns the nanoseconds that a request takes.
func (w workload) measure(b *testing.B, s *subject) float64 {
	b.Helper()
	b.ReportAllocs()
	if w.parallel {
		var clients atomic.Int64
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			c := s.client()
			n := int(clients.Add(1)) * 7919 // each client begins with another session
			for ; pb.Next(); n++ {
				c.request(n)
			}
			if c.err != nil {
				b.Error(c.err)
			}
		})
	} else {
		c, n := s.client(), 0
		for b.Loop() {
			c.request(n)
			n++
		}
		if c.err != nil {
			b.Error(c.err)
		}
	}
	return float64(b.Elapsed().Nanoseconds()) / float64(b.N)
}

// A benchClient sends the same request again and again, and allocates nothing.
type benchClient struct {
	subject *subject
	r       *http.Request
	cookie  []string
	header  http.Header // of the response
	err     error
}

func (s *subject) client() *benchClient {
	return &benchClient{
		subject: s, r: httptest.NewRequest(http.MethodGet, "/", nil), cookie: make([]string, 1), header: make(http.Header),
	}
}

// request makes the nth request.
func (c *benchClient) request(n int) {
	clear(c.header)
	if cookies := c.subject.cookies; len(cookies) > 0 {
		c.cookie[0] = cookies[n*31%len(cookies)]
		c.r.Header["Cookie"] = c.cookie
	} else {
		delete(c.r.Header, "Cookie")
	}
	if err := c.subject.serve(c, c.r, n); err != nil {
		c.err = err
	}
}

func (c *benchClient) Header() http.Header         { return c.header }
func (c *benchClient) Write(p []byte) (int, error) { return len(p), nil }
func (c *benchClient) WriteHeader(int)             {}

// A floor does only the unavoidable work of a request.
type floor struct {
	mu       sync.RWMutex
	sessions map[string]floorSession
	call     func(write bool) error // a plain call of the store's client, replaces sessions
}

type floorSession struct {
	expires int64
	data    []byte
}

// newFloor returns the floor as a subject, on as many sessions.
func newFloor(t testing.TB, h Harness, w workload) *subject {
	t.Helper()
	f := &floor{sessions: make(map[string]floorSession)}
	if h.Floor != nil {
		f.call = h.Floor(t)
	}
	s := &subject{serve: func(_ http.ResponseWriter, r *http.Request, n int) error { return w.floor(f, r, n) }}
	for range w.count() {
		sid := f.sid()
		f.sessions[sid] = floorSession{time.Now().Add(time.Hour).UnixMilli(), make([]byte, 128)}
		s.cookies = append(s.cookies, "theme=dark; "+cookieName+"="+sid)
	}
	return s
}

func (f *floor) sid() string {
	random := make([]byte, 16)
	rand.Read(random)
	return hex.EncodeToString(random)
}

// find returns the request's sid and session.
func (f *floor) find(r *http.Request) (sid string, s floorSession, err error) {
	for _, rest := range r.Header["Cookie"] {
		for rest != "" {
			var pair string
			pair, rest, _ = strings.Cut(rest, ";")
			if value, ok := strings.CutPrefix(strings.TrimLeft(pair, " "), cookieName+"="); ok {
				sid = value
			}
		}
	}
	f.mu.RLock()
	s = f.sessions[sid]
	f.mu.RUnlock()
	if time.Now().UnixMilli() >= s.expires {
		return "", s, errBench
	}
	return sid, s, nil
}

func (f *floor) read(r *http.Request, _ int) error {
	_, _, err := f.find(r)
	if err == nil && f.call != nil {
		err = f.call(false)
	}
	return err
}

func (f *floor) write(r *http.Request, _ int) error {
	sid, s, err := f.find(r)
	if err != nil {
		return err
	}
	if f.call != nil {
		if err := f.call(false); err != nil {
			return err
		}
		return f.call(true)
	}
	f.store(sid, floorSession{s.expires, append([]byte(nil), s.data...)})
	return nil
}

func (f *floor) begin(*http.Request, int) error {
	sid := f.sid()
	if f.call != nil {
		return f.call(true)
	}
	f.store(sid, floorSession{time.Now().UnixMilli(), make([]byte, 128)})
	return nil
}

func (f *floor) store(sid string, s floorSession) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions[sid] = s
}

func (f *floor) mixed(r *http.Request, n int) error {
	if n%10 == 9 {
		return f.write(r, n)
	}
	return f.read(r, n)
}
