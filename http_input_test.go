package session_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/rawhttp"
)

// key returns what a store out of the process keeps the session of a sid under.
func key(sid string) string {
	sum := sha256.Sum256([]byte(sid))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// wellFormed returns the sids in Cookie header lines that have the shape of those that the server makes.
func wellFormed(lines ...string) (sids []string) {
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			value, ok := strings.CutPrefix(strings.Trim(pair, " \t"), "gosessionid=")
			if ok && len(value) == 34 {
				value = strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`)
			}
			if ok && len(value) == 32 && strings.Trim(value, "0123456789abcdef") == "" {
				sids = append(sids, value)
			}
		}
	}
	return sids
}

// asked fails the test if the store was asked for more than a request with these Cookie lines may ask for.
func (f *faulty) asked(t testing.TB, lines ...string) {
	t.Helper()
	var allowed []string
	for _, sid := range wellFormed(lines...) {
		allowed = append(allowed, key(sid))
	}
	loads := 0
	for _, c := range f.recorded() {
		if c.op == "load" {
			if loads++; !slices.Contains(allowed, c.key) {
				t.Errorf("the store was asked for a key of %d characters that is no sid's", len(c.key))
			}
		}
	}
	if loads > 4 {
		t.Errorf("the store was asked %d times", loads)
	}
}

func TestHostileCookiesOnTheWire(t *testing.T) {
	const refusedByServer = http.StatusBadRequest
	unknown := strings.Repeat("ab", 16)
	for _, tt := range []struct {
		name   string
		lines  []string // of the header Cookie; LIVE stands for the sid of ann's session
		user   string   // whose session is found, "" for none
		status int      // 200 if it is 0
	}{
		{name: "live", lines: []string{"gosessionid=LIVE"}, user: "ann"},
		{name: "none", lines: nil},
		{name: "empty", lines: []string{""}},
		{name: "empty value", lines: []string{"gosessionid="}},
		{name: "no value", lines: []string{"gosessionid"}},
		{name: "no name", lines: []string{"=LIVE"}},
		{name: "only separators", lines: []string{strings.Repeat(";", 5000)}},
		{name: "a cookie of 64 KiB", lines: []string{"gosessionid=" + strings.Repeat("a", 64<<10)}},
		{name: "a cookie of 64 KiB before", lines: []string{"x=" + strings.Repeat("a", 64<<10) + "; gosessionid=LIVE"}, user: "ann"},
		{name: "an endless name", lines: []string{strings.Repeat("gosessionid", 5000) + "=LIVE"}},
		{name: "4,000 cookies before", lines: []string{strings.Repeat("x=1; ", 4000) + "gosessionid=LIVE"}, user: "ann"},
		{name: "4,000 malformed sids before", lines: []string{strings.Repeat("gosessionid=x; ", 4000) + "gosessionid=LIVE"}, user: "ann"},
		{name: "4,000 unknown sids", lines: []string{strings.Repeat("gosessionid="+unknown+"; ", 4000) + "gosessionid=LIVE"}},
		{name: "4,000 lines", lines: append(slices.Repeat([]string{"x=1"}, 4000), "gosessionid=LIVE"), user: "ann"},
		{name: "nearly 1 MiB", lines: []string{strings.Repeat("x=1;", (1<<20-2000)/4) + "gosessionid=LIVE"}, user: "ann"},
		{name: "over 1 MiB", lines: []string{strings.Repeat("x=1;", 1<<19) + "gosessionid=LIVE"}, status: http.StatusRequestHeaderFieldsTooLarge},
		{name: "twice", lines: []string{"gosessionid=LIVE; gosessionid=LIVE"}, user: "ann"},
		{name: "a dead one first", lines: []string{"gosessionid=" + unknown + "; gosessionid=LIVE"}, user: "ann"},
		{name: "two lines", lines: []string{"gosessionid=" + unknown, "gosessionid=LIVE"}, user: "ann"},
		{name: "a tossed one first", lines: []string{"gosessionid=evil; gosessionid=LIVE"}, user: "ann"},
		{name: "quoted", lines: []string{`gosessionid="LIVE"`}, user: "ann"},
		{name: "quoted once", lines: []string{`gosessionid="LIVE`}},
		{name: "quoted twice", lines: []string{`gosessionid=""LIVE""`}},
		{name: "quoted with a separator", lines: []string{`gosessionid="LIVE;"`}},
		{name: "single quotes", lines: []string{"gosessionid='LIVE'"}},
		{name: "spaces around the value", lines: []string{"gosessionid= LIVE "}},
		{name: "a space after", lines: []string{"gosessionid=LIVE ; x=1"}, user: "ann"},
		{name: "a tab before", lines: []string{"x=1;\tgosessionid=LIVE"}, user: "ann"},
		{name: "upper case name", lines: []string{"GOSESSIONID=LIVE"}},
		{name: "comma", lines: []string{"x=1, gosessionid=LIVE"}},
		{name: "two values", lines: []string{"gosessionid=LIVE,LIVE"}},
		{name: "attributes", lines: []string{"gosessionid=LIVE; Path=/; HttpOnly; Max-Age=0"}, user: "ann"},
		{name: "RFC 2965", lines: []string{`$Version="1"; gosessionid="LIVE"; $Path="/"`}, user: "ann"},
		{name: "NUL", lines: []string{"gosessionid=LIVE\x00"}, status: refusedByServer},
		{name: "NUL within", lines: []string{"gosessionid=\x00LIVE; gosessionid=LIVE"}, status: refusedByServer},
		{name: "a bare CR", lines: []string{"gosessionid=LIVE\r; x=1"}, status: refusedByServer},
		{name: "CRLF", lines: []string{"gosessionid=LIVE\r\nX-Injected: 1"}, user: "ann"},
		{name: "CRLF in the value", lines: []string{"gosessionid=evil\r\nSet-Cookie: gosessionid=evil"}},
		{name: "CRLF, encoded", lines: []string{"gosessionid=LIVE%0d%0aX-Injected:%201"}},
		{name: "a folded line", lines: []string{"gosessionid=\r\n LIVE"}},
		{name: "UTF-8", lines: []string{"gosessionid=LIVEé; ключ=é"}},
		{name: "full-width digits", lines: []string{"gosessionid=" + strings.Repeat("０", 32)}},
		{name: "invalid UTF-8", lines: []string{"gosessionid=\xff\xfe; gosessionid=LIVE"}, user: "ann"},
		{name: "percent-escapes", lines: []string{"gosessionid=%4c%49%56%45LIVE"}},
		{name: "an escaped name", lines: []string{"gosession%69d=LIVE"}},
		{name: "a path", lines: []string{"gosessionid=../../LIVE"}},
		{name: "a glob", lines: []string{"gosessionid=" + strings.Repeat("*", 32)}},
		{name: "SQL", lines: []string{"gosessionid=' OR 1=1 --; gosessionid=LIVE"}, user: "ann"},
		{name: "upper case", lines: []string{"gosessionid=" + strings.Repeat("AB", 16)}},
		{name: "the stored key", lines: []string{"gosessionid=KEY"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []string{"Start", "Handler"} {
				f := newFaulty(t)
				m := newNode(t, f.provider())
				ann := seed(t, m, map[any]any{"user": "ann"}).sid()
				var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s := start(t, m, w, r)
					if _, err := s.Increment(r.Context(), "visits", 1); err != nil {
						t.Error(err)
					}
					s.SessionRelease(r.Context(), w)
					fmt.Fprint(w, s.Get(r.Context(), "user"))
				})
				if mode == "Handler" {
					h = m.Handler(h)
				}
				srv := serve(t, "HTTP/1.1", h)
				head := []string{"GET / HTTP/1.1", "Host: x", "Connection: close"}
				for _, line := range tt.lines {
					head = append(head, "Cookie: "+line)
				}
				request := strings.NewReplacer("LIVE", ann, "KEY", key(ann)).Replace(strings.Join(head, "\r\n"))
				f.heal()
				status, body := rawhttp.Exchange(t, srv.Listener.Addr().String(), request+"\r\n\r\n")
				want := http.StatusOK
				if tt.status != 0 {
					want = tt.status
				}
				if status != want {
					t.Fatalf("%s: status %d, %s", mode, status, body)
				}
				user := tt.user
				if user == "" {
					user = fmt.Sprint(nil)
				}
				if status == http.StatusOK && body != user {
					t.Errorf("%s: the session is %s's", mode, body)
				}
				f.asked(t, strings.Split(strings.ReplaceAll(request, "Cookie: ", ""), "\r\n")...)
				if n := f.records(t); n > 2 || tt.user != "" && n != 1 {
					t.Errorf("%s: %d records, calls %v", mode, n, f.ops())
				}
			}
		})
	}
}

// TestACookieInATrailerIsNoCookie says that only what comes before the body counts.
func TestACookieInATrailerIsNoCookie(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, map[any]any{"user": "ann"})
	f.heal()
	srv := serve(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, current(t, m, r).Get(r.Context(), "user"))
	})))
	for _, announced := range []string{"", "Trailer: Cookie\r\n"} {
		status, body := rawhttp.Exchange(t, srv.Listener.Addr().String(), "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+
			"Transfer-Encoding: chunked\r\n"+announced+"\r\n1\r\nx\r\n0\r\nCookie: "+c.cookie+"\r\n\r\n")
		if status == http.StatusOK && body != "<nil>" {
			t.Errorf("announced %q: status %d, the session is %s's", announced, status, body)
		}
	}
	f.asked(t)
}

// TestCookieCrumbsAreJoined because HTTP/2 clients send each cookie in a line of its own.
func TestCookieCrumbsAreJoined(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, map[any]any{"user": "ann"})
	srv := serve(t, "HTTP/2.0", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		fmt.Fprint(w, s.Get(r.Context(), "user"))
		set(t, s, "seen", true)
	})))
	for _, cookie := range []string{
		c.cookie, "a=1; " + c.cookie + "; b=2", "gosessionid=evil; a=1; " + c.cookie,
		"gosessionid=" + strings.Repeat("00", 16) + "; " + c.cookie + strings.Repeat("; x=1", 100),
	} {
		f.heal()
		res, body := (&client{cookie: cookie}).fetch(t, srv, "GET")
		if body != "ann" || res.Header["Set-Cookie"] != nil {
			t.Errorf("the session is %s's, Set-Cookie %q", body, res.Header["Set-Cookie"])
		}
		f.asked(t, cookie)
	}
}

func FuzzCookieHeader(f *testing.F) {
	for _, seed := range []string{
		"", "gosessionid=LIVE", "a=1; gosessionid=LIVE; b=2", `gosessionid="LIVE"`, "gosessionid=evil; gosessionid=LIVE",
		"gosessionid=\x00; =; ;;", "gosessionid=%00LIVE", "gosessionid=LIVE, gosessionid=LIVE", "\tgosessionid=LIVE\t", `gosessionid="`,
	} {
		f.Add(seed, seed)
	}
	backend := newFaulty(f)
	m := newNode(f, backend.provider(), session.CfgLazy(true))
	c := seed(f, m, map[any]any{"user": "ann"})
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err != nil {
			f.Fatal(err)
		}
		fmt.Fprint(w, s.Get(r.Context(), "user"))
	}))
	f.Fuzz(func(t *testing.T, one, two string) {
		one, two = strings.ReplaceAll(one, "LIVE", c.sid()), strings.ReplaceAll(two, "LIVE", c.sid())
		for name, visit := range map[string]func(w http.ResponseWriter, r *http.Request){
			"Handler": h.ServeHTTP,
			"Start": func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, start(t, m, w, r).Get(r.Context(), "user"))
			},
		} {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			r.Header["Cookie"] = []string{one, two}
			backend.heal()
			visit(w, r)
			sids := wellFormed(one, two)
			want := "<nil>"
			if slices.Contains(sids[:min(4, len(sids))], c.sid()) {
				want = "ann"
			}
			if w.Body.String() != want || w.Header()["Set-Cookie"] != nil {
				t.Errorf("%s: the session is %s's, want %s's", name, w.Body, want)
			}
			backend.asked(t, one, two)
		}
	})
}
