package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/examples/internal/down"
	"github.com/seed1a8f7c28/session/examples/internal/looks"
)

// A visitor has a browser of its own.
type visitor struct {
	t      *testing.T
	base   string
	client *http.Client
}

// start runs the program and returns its address.
func start(t *testing.T) (base string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-addr", "127.0.0.1:0"}, in)
		in.CloseWithError(err)
		done <- err
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return strings.TrimSuffix(regexp.MustCompile(`http://\S+`).FindString(line), "/")
}

func visit(t *testing.T, base string) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t, base, &http.Client{Jar: jar, Transport: new(http.Transport)}}
	t.Cleanup(v.client.CloseIdleConnections)
	return v
}

func (v *visitor) page(res *http.Response, err error) string {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(body)
}

func (v *visitor) home() string { v.t.Helper(); return v.page(v.client.Get(v.base + "/")) }

func (v *visitor) post(path string, form url.Values) string {
	v.t.Helper()
	return v.page(v.client.PostForm(v.base+path, form))
}

func (v *visitor) cookies() []*http.Cookie {
	u, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.client.Jar.Cookies(u)
}

func wantIn(t *testing.T, page string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

func counted(n int) string { return fmt.Sprintf(`<output id="count">%d</output>`, n) }

func TestAVisit(t *testing.T) {
	base := start(t)
	ada, bob := visit(t, base), visit(t, base)
	wantIn(t, ada.home(), "Log in")
	if len(ada.cookies()) != 0 {
		t.Error("a mere visit sets a cookie")
	}
	wantIn(t, ada.post("/login", url.Values{"name": {"<Ada>"}}), "Hello, &lt;Ada&gt;</h1>")
	wantIn(t, bob.post("/login", url.Values{"name": {"Bob"}}), "Hello, Bob</h1>")
	wantIn(t, ada.post("/count", nil), counted(1))
	wantIn(t, ada.post("/count", nil), counted(2))
	wantIn(t, bob.home(), counted(0))

	before := ada.cookies()[0].Value
	wantIn(t, ada.post("/login", url.Values{"name": {"<Ada>"}}), counted(2))
	if ada.cookies()[0].Value == before {
		t.Error("a login keeps the sid")
	}
	wantIn(t, ada.post("/login", url.Values{"name": {"Eve"}}), "Hello, Eve</h1>", counted(0))
	stolen := visit(t, base)
	u, _ := url.Parse(base)
	stolen.client.Jar.SetCookies(u, ada.cookies())
	wantIn(t, stolen.home(), "Hello, Eve</h1>")
	wantIn(t, ada.post("/logout", nil), "Log in")
	wantIn(t, stolen.home(), "Log in")
	wantIn(t, ada.post("/count", nil), "Log in")
	if len(ada.cookies()) != 0 {
		t.Error("the logout leaves a cookie")
	}
	wantIn(t, bob.home(), "Hello, Bob</h1>")
	wantIn(t, bob.post("/login", url.Values{"name": {strings.Repeat("x", 41)}}), "Enter a name")
	wantIn(t, bob.post("/nowhere", nil), "No such page")
}

func TestForgedRequestsAreRefused(t *testing.T) {
	base := start(t)
	v := visit(t, base)
	v.post("/login", url.Values{"name": {"Ada"}})
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example"} {
		r, err := http.NewRequest(http.MethodPost, base+"/count", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(name, value)
		wantIn(t, v.page(v.client.Do(r)), "came from another site")
	}
	wantIn(t, v.home(), counted(0))
}

func TestRunFails(t *testing.T) {
	for _, args := range [][]string{{"-addr", "256.0.0.1:1"}, {"now"}, {"-color"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
	if err := run(t.Context(), []string{"-help"}, io.Discard); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// serveWith serves the application with sessions of the test's own.
func serveWith(t *testing.T, m *session.Manager) (base string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &fasthttp.Server{Handler: newApp(m)}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		err := errors.Join(server.Shutdown(), <-done, m.Close())
		if err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

func TestStoreIsDown(t *testing.T) {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	for _, readable := range []bool{false, true} {
		m, err := session.New(down.Provider(readable), session.NewManagerConfig(session.CfgErrorHandler(unavailable),
			session.CfgCookieName("login"), session.CfgLogger(slog.New(slog.DiscardHandler))))
		if err != nil {
			t.Fatal(err)
		}
		v := visit(t, serveWith(t, m))
		wantIn(t, v.home(), "Log in") // who has no cookie needs no store
		u, _ := url.Parse(v.base)
		v.client.Jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: down.SID, Path: "/"}})
		for _, path := range []string{"/login", "/logout"} {
			res, err := v.client.PostForm(v.base+path, url.Values{"name": {"Ada"}})
			if body := v.page(res, err); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %s\n%s", path, res.Status, body)
			} else {
				wantIn(t, body, "cannot be reached just now", "/style.css")
			}
			if len(res.Cookies()) != 0 {
				t.Errorf("%s: the outage changed the cookie: %v", path, res.Cookies())
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	v := visit(t, start(t))
	for path, want := range map[string]map[string]string{
		"/":          {"Content-Type": looks.ContentType, "Cache-Control": "no-store"},
		"/nowhere":   {"Content-Type": looks.ContentType, "Cache-Control": "no-store"},
		"/style.css": {"Content-Type": "text/css; charset=utf-8"},
	} {
		res, err := v.client.Get(v.base + path)
		v.page(res, err)
		maps.Copy(want, looks.Header)
		for name, value := range want {
			if got := res.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
	}
}
