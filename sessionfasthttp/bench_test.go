package sessionfasthttp_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

// uses are what a request does with ann's session.
var uses = []struct {
	name string
	do   func(b testing.TB, get func() (*session.Session, error))
}{
	{"nothing", func(testing.TB, func() (*session.Session, error)) {}},
	{"read", func(b testing.TB, get func() (*session.Session, error)) { use(b, get, false) }},
	{"write", func(b testing.TB, get func() (*session.Session, error)) { use(b, get, true) }},
}

func use(b testing.TB, get func() (*session.Session, error), write bool) {
	s, err := get()
	if err != nil {
		b.Fatal(err)
	}
	if s.Get(context.Background(), "user") == nil {
		b.Fatal("no user")
	}
	if write {
		if err := s.Set(context.Background(), "n", 1); err != nil {
			b.Fatal(err)
		}
	}
}

// discard is the cheapest ResponseWriter.
type discard struct{ header http.Header }

func (w *discard) Header() http.Header         { return w.header }
func (w *discard) Write(p []byte) (int, error) { return len(p), nil }
func (w *discard) WriteHeader(int)             {}

// netHTTP returns one request on net/http, without what the server does.
func netHTTP(tb testing.TB, m *session.Manager, do func(testing.TB, func() (*session.Session, error))) func() {
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		do(tb, func() (*session.Session, error) { return m.FromContext(r.Context()) })
		_, _ = w.Write(nil)
	}))
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Cookie", "gosessionid="+annSID)
	w := &discard{make(http.Header)}
	return func() {
		h.ServeHTTP(w, r)
		clear(w.header)
	}
}

// fast is netHTTP for fasthttp.
func fast(tb testing.TB, m *session.Manager, do func(testing.TB, func() (*session.Session, error))) func() {
	h := sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		do(tb, func() (*session.Session, error) { return m.FromContext(ctx) })
	})
	ctx := new(fasthttp.RequestCtx)
	const head = "GET / HTTP/1.1\r\nHost: x\r\nCookie: gosessionid=" + annSID + "\r\n\r\n"
	bytes := strings.NewReader(head)
	reader := bufio.NewReader(bytes)
	return func() {
		bytes.Reset(head)
		reader.Reset(bytes)
		if err := ctx.Request.Read(reader); err != nil {
			tb.Fatal(err)
		}
		h(ctx)
		ctx.Request.Reset()
		ctx.Response.Reset()
	}
}

func BenchmarkHandler(b *testing.B) {
	for _, u := range uses {
		for name, request := range map[string]func(testing.TB, *session.Manager, func(testing.TB, func() (*session.Session, error))) func(){
			"net/http": netHTTP, "fasthttp": fast,
		} {
			b.Run(u.name+"/"+name, func(b *testing.B) {
				m := newManager(b)
				ann(b, m)
				once := request(b, m, u.do)
				b.ReportAllocs()
				for b.Loop() {
					once()
				}
			})
		}
	}
}

// TestAllocations limits what a request allocates on fasthttp.
func TestAllocations(t *testing.T) {
	most := map[string]float64{"nothing": 3, "read": 5, "write": 8}
	for _, u := range uses {
		m := newManager(t)
		ann(t, m)
		if n := testing.AllocsPerRun(200, fast(t, m, u.do)); n > most[u.name] {
			t.Errorf("%s: %v allocations, want %v at most", u.name, n, most[u.name])
		}
	}
}
