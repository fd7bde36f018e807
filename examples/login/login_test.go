package main

import (
	"bufio"
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/examples/internal/down"
)

// start serves the application on the loopback interface, over HTTPS if secure.
func start(t *testing.T, m *session.Manager, secure bool) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(newApp(m))
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(func() {
		server.Close()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// A kind is a config file that the application is tested with.
type kind struct {
	config string
	// inClient says that the sessions are in the cookies themselves. Then a cookie that was captured still opens
	// after the logout, and of two answers at a time the last one wins.
	inClient bool
}

func (k kind) open(t *testing.T) *session.Manager {
	t.Helper()
	t.Setenv("LOGIN_KEY", "a key for the tests")
	m, err := open(k.config)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// needsStore skips what no cookie can promise.
func (k kind) needsStore(t *testing.T) {
	t.Helper()
	if k.inClient {
		t.Skip("sessions in cookies cannot promise this: see docs/providers/cookie.md")
	}
}

// each runs a test with every kind.
func each(t *testing.T, test func(t *testing.T, k kind)) {
	for _, k := range []kind{{config: "memory.json"}, {config: "cookie.json", inClient: true}} {
		t.Run(k.config, func(t *testing.T) { test(t, k) })
	}
}

// A visitor is a browser: it keeps cookies and follows redirects.
type visitor struct {
	*testing.T
	client *http.Client
	base   string
	header http.Header    // sent with each request
	set    []*http.Cookie // of the last request and its redirects
}

func visit(t *testing.T, server *httptest.Server) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{T: t, base: server.URL, header: make(http.Header)}
	client := *server.Client()
	client.Jar = jar
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		v.set = append(v.set, r.Response.Cookies()...)
		return nil
	}
	v.client = &client
	return v
}

// do returns the status and the body at the end of all redirects. It may be called on any goroutine.
func (v *visitor) do(method, path string, form url.Values) (int, string) {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.Error(err)
		return 0, ""
	}
	for name, values := range v.header {
		r.Header[name] = values
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	v.set = nil
	resp, err := v.client.Do(r)
	if err != nil {
		v.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	v.set = append(v.set, resp.Cookies()...)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.Error(err)
	}
	return resp.StatusCode, string(body)
}

func (v *visitor) get(path string) string {
	v.Helper()
	status, body := v.do(http.MethodGet, path, nil)
	if status != http.StatusOK {
		v.Fatalf("GET %s: status %d", path, status)
	}
	return body
}

func (v *visitor) post(path string, fields ...string) string {
	v.Helper()
	form := make(url.Values)
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	status, body := v.do(http.MethodPost, path, form)
	if status != http.StatusOK {
		v.Fatalf("POST %s: status %d", path, status)
	}
	return body
}

func (v *visitor) login(name string) string {
	v.Helper()
	body := v.post("/login", "name", name, "password", "open sesame")
	wantIn(v.T, body, name)
	return body
}

// sid is what the cookie jar holds.
func (v *visitor) sid() string {
	v.Helper()
	u, err := url.Parse(v.base)
	if err != nil {
		v.Fatal(err)
	}
	cookies := v.client.Jar.Cookies(u)
	switch len(cookies) {
	case 0:
		return ""
	case 1:
		return cookies[0].Value
	}
	v.Fatalf("the jar holds %d cookies, want at most one", len(cookies))
	return ""
}

func (v *visitor) useSID(sid string) {
	v.Helper()
	u, err := url.Parse(v.base)
	if err != nil {
		v.Fatal(err)
	}
	v.client.Jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: sid, Path: "/"}})
}

func wantIn(t *testing.T, body, name string) {
	t.Helper()
	if !strings.Contains(body, "Hello, "+name) || !strings.Contains(body, `action="/logout"`) {
		t.Fatalf("%s is not logged in:\n%s", name, body)
	}
}

func wantOut(t *testing.T, body string) {
	t.Helper()
	if !strings.Contains(body, `action="/login"`) || strings.Contains(body, "Hello") {
		t.Fatalf("want the login form:\n%s", body)
	}
}

var counted = regexp.MustCompile(`<output id="count">(\d+)</output>`)

func wantCount(t *testing.T, body string, want int) {
	t.Helper()
	found := counted.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("no counter:\n%s", body)
	}
	if got, _ := strconv.Atoi(found[1]); got != want {
		t.Fatalf("counted to %d, want %d", got, want)
	}
}

func TestVisit(t *testing.T) { each(t, testVisit) }

func testVisit(t *testing.T, k kind) {
	v := visit(t, start(t, k.open(t), false))

	wantOut(t, v.get("/"))
	if len(v.set) != 0 {
		t.Errorf("a mere visit set %v", v.set)
	}
	wantIn(t, v.login("Ada"), "Ada")
	wantIn(t, v.get("/"), "Ada")
	wantCount(t, v.post("/count"), 1)
	wantCount(t, v.post("/count"), 2)
	wantCount(t, v.get("/"), 2)
	wantOut(t, v.post("/logout"))
	wantOut(t, v.get("/"))
	if sid := v.sid(); sid != "" {
		t.Error("the cookie is still there after the logout")
	}
}

func TestTwoVisitors(t *testing.T) { each(t, testTwoVisitors) }

func testTwoVisitors(t *testing.T, k kind) {
	server := start(t, k.open(t), false)
	ada, bob := visit(t, server), visit(t, server)
	ada.login("Ada")
	bob.login("Bob")
	wantCount(t, ada.post("/count"), 1)
	wantCount(t, bob.get("/"), 0)
	bob.post("/logout")
	wantIn(t, ada.get("/"), "Ada")
}

func TestOtherUserInTheSameBrowser(t *testing.T) { each(t, testOtherUserInTheSameBrowser) }

func testOtherUserInTheSameBrowser(t *testing.T, k kind) {
	v := visit(t, start(t, k.open(t), false))
	v.login("Ada")
	v.post("/count")
	wantCount(t, v.login("Bob"), 0)
}

func TestNoticeIsShownOnce(t *testing.T) { each(t, testNoticeIsShownOnce) }

func testNoticeIsShownOnce(t *testing.T, k kind) {
	v := visit(t, start(t, k.open(t), false))
	const notice = "You are logged in."
	if body := v.login("Ada"); strings.Count(body, notice) != 1 {
		t.Errorf("the first page shows the notice %d times:\n%s", strings.Count(body, notice), body)
	}
	if body := v.get("/"); strings.Contains(body, notice) {
		t.Errorf("the second page shows the notice:\n%s", body)
	}
}

func TestRefusedLogin(t *testing.T) { each(t, testRefusedLogin) }

func testRefusedLogin(t *testing.T, k kind) {
	for _, tt := range []struct{ name, user, password, want string }{
		{"no name", " ", "open sesame", "Enter a name."},
		{"long name", strings.Repeat("é", maxName+1), "open sesame", "at most 40 characters"},
		{"short password", "Ada", "123", "at least 4 characters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := visit(t, start(t, k.open(t), false))
			body := v.post("/login", "name", tt.user, "password", tt.password)
			wantOut(t, body)
			if !strings.Contains(body, tt.want) {
				t.Errorf("want %q:\n%s", tt.want, body)
			}
			if strings.Contains(v.get("/"), tt.want) {
				t.Error("the message is shown twice")
			}
		})
	}
	t.Run("name is kept and escaped", func(t *testing.T) {
		v := visit(t, start(t, k.open(t), false))
		body := v.post("/login", "name", `"><b>`, "password", "")
		if !strings.Contains(body, `value="&#34;&gt;&lt;b&gt;"`) {
			t.Error(body)
		}
	})
}

func TestTwoTabsCountAtOnce(t *testing.T) { each(t, testTwoTabsCountAtOnce) }

func testTwoTabsCountAtOnce(t *testing.T, k kind) {
	k.needsStore(t)
	server := start(t, k.open(t), false)
	v := visit(t, server)
	v.login("Ada")
	sid := v.sid()

	const tabs, clicks = 8, 25
	var wg sync.WaitGroup
	for range tabs {
		tab := visit(t, server)
		tab.useSID(sid)
		wg.Go(func() {
			for range clicks {
				if status, _ := tab.do(http.MethodPost, "/count", nil); status != http.StatusOK {
					t.Errorf("status %d", status)
				}
			}
		})
	}
	wg.Wait()
	wantCount(t, v.get("/"), tabs*clicks)
}

func TestLoginChangesTheSID(t *testing.T) { each(t, testLoginChangesTheSID) }

func testLoginChangesTheSID(t *testing.T, k kind) {
	server := start(t, k.open(t), false)
	v := visit(t, server)
	v.post("/login", "name", "Ada", "password", "") // refused, but the message makes a session
	before := v.sid()
	if before == "" {
		t.Fatal("no session before the login")
	}
	v.login("Ada")
	after := v.sid()
	if after == "" || after == before {
		t.Fatal("the login did not change the sid")
	}
	thief := visit(t, server)
	thief.useSID(before)
	wantOut(t, thief.get("/"))
	wantIn(t, v.get("/"), "Ada")

	v.login("Ada")
	if v.sid() == after {
		t.Error("the second login did not change the sid")
	}
}

func TestChosenSIDIsNotAdopted(t *testing.T) { each(t, testChosenSIDIsNotAdopted) }

func testChosenSIDIsNotAdopted(t *testing.T, k kind) {
	server := start(t, k.open(t), false)
	v := visit(t, server)
	const chosen = "0123456789abcdef0123456789abcdef"
	v.useSID(chosen)
	v.login("Ada")
	if v.sid() == chosen {
		t.Error("the session has the sid that the client chose")
	}
	thief := visit(t, server)
	thief.useSID(chosen)
	wantOut(t, thief.get("/"))
}

func TestOldCookieAfterLogout(t *testing.T) { each(t, testOldCookieAfterLogout) }

func testOldCookieAfterLogout(t *testing.T, k kind) {
	k.needsStore(t)
	server := start(t, k.open(t), false)
	v := visit(t, server)
	v.login("Ada")
	sid := v.sid()
	v.post("/logout")

	thief := visit(t, server)
	thief.useSID(sid)
	wantOut(t, thief.get("/"))
	body := thief.post("/count")
	wantOut(t, body)
	if !strings.Contains(body, "no longer logged in") {
		t.Error(body)
	}
	wantOut(t, v.get("/"))
}

func TestCrossOrigin(t *testing.T) { each(t, testCrossOrigin) }

func testCrossOrigin(t *testing.T, k kind) {
	v := visit(t, start(t, k.open(t), false))
	v.login("Ada")
	for _, tt := range []struct{ name, value string }{
		{"Sec-Fetch-Site", "cross-site"},
		{"Origin", "https://attacker.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v.header = http.Header{tt.name: {tt.value}}
			defer func() { v.header = make(http.Header) }()
			for _, path := range []string{"/login", "/count", "/logout"} {
				status, body := v.do(http.MethodPost, path, nil)
				if status != http.StatusForbidden || !strings.Contains(body, "came from another site") {
					t.Errorf("POST %s: status %d, want 403:\n%s", path, status, body)
				}
			}
		})
	}
	body := v.get("/")
	wantIn(t, body, "Ada")
	wantCount(t, body, 0)

	v.header.Set("Origin", v.base)
	v.header.Set("Sec-Fetch-Site", "same-origin")
	wantCount(t, v.post("/count"), 1)
}

func TestCookieAttributes(t *testing.T) { each(t, testCookieAttributes) }

func testCookieAttributes(t *testing.T, k kind) {
	for _, secure := range []bool{false, true} {
		t.Run("secure "+strconv.FormatBool(secure), func(t *testing.T) {
			v := visit(t, start(t, k.open(t), secure))
			v.login("Ada")
			want := 1
			if k.inClient { // the notice is taken out of the cookie when it is shown
				want = 2
			}
			if len(v.set) != want {
				t.Fatalf("the login set %d cookies, want %d", len(v.set), want)
			}
			c := v.set[0]
			if c.Name != "login" || c.Path != "/" || c.Domain != "" || !c.HttpOnly ||
				c.SameSite != http.SameSiteLaxMode || c.MaxAge != 0 || !c.Expires.IsZero() {
				t.Errorf("got %s", c.Raw)
			}
			if c.Secure != secure {
				t.Errorf("Secure is %t, want %t", c.Secure, secure)
			}
			v.get("/")
			if len(v.set) != 0 {
				t.Errorf("the next page set %v", v.set)
			}

			v.post("/logout")
			if len(v.set) != 1 || v.set[0].MaxAge >= 0 || v.set[0].Path != "/" || v.set[0].Secure != secure {
				t.Errorf("the logout set %v", v.set)
			}
		})
	}
}

func TestHeaders(t *testing.T) { each(t, testHeaders) }

func testHeaders(t *testing.T, k kind) {
	server := start(t, k.open(t), false)
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for name, want := range map[string]string{
		"Cache-Control":          "no-store",
		"Content-Type":           "text/html; charset=utf-8",
		"X-Content-Type-Options": "nosniff",
		"Referrer-Policy":        "same-origin",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := resp.Header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") {
		t.Errorf("Content-Security-Policy: %q", got)
	}
	if got := visit(t, server).get("/style.css"); !strings.Contains(got, "body {") {
		t.Error("no style sheet")
	}
	if status, body := visit(t, server).do(http.MethodGet, "/nowhere", nil); status != http.StatusNotFound || !strings.Contains(body, "No such page") {
		t.Errorf("status %d:\n%s", status, body)
	}
}

func downManager(t *testing.T, readable bool) *session.Manager {
	t.Helper()
	m, err := session.New(down.Provider(readable), session.NewManagerConfig(
		session.CfgCookieName("login"),
		session.CfgErrorHandler(unavailable),
		session.CfgLogger(slog.New(slog.DiscardHandler)),
	))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestStoreIsDown(t *testing.T) {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	right := url.Values{"name": {"Ada"}, "password": {"open sesame"}}
	wrong := url.Values{"name": {"Ada"}, "password": {""}}
	for _, tt := range []struct {
		name         string
		readable     bool
		method, path string
		form         url.Values
	}{
		{"visit", false, http.MethodGet, "/", nil},
		{"login", false, http.MethodPost, "/login", right},
		{"count", false, http.MethodPost, "/count", nil},
		{"logout", false, http.MethodPost, "/logout", nil},
		{"login when it can be read", true, http.MethodPost, "/login", right},
		{"refused login when it can be read", true, http.MethodPost, "/login", wrong},
		{"logout when it can be read", true, http.MethodPost, "/logout", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := visit(t, start(t, downManager(t, tt.readable), false))
			wantOut(t, v.get("/")) // who has no cookie needs no store
			v.useSID(down.SID)
			status, body := v.do(tt.method, tt.path, tt.form)
			if status != http.StatusServiceUnavailable || !strings.Contains(body, "cannot be reached just now") {
				t.Errorf("status %d:\n%s", status, body)
			}
			if len(v.set) != 0 || v.sid() != down.SID {
				t.Errorf("the outage changed the cookie: %v", v.set)
			}
		})
	}
}

func TestRun(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(config, []byte(`{"provider": "memory", "cookieName": "elsewhere"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, cookie string
		args         []string
	}{
		{"default", "login", nil},
		{"config", "elsewhere", []string{"-config", config}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			out, in := io.Pipe()
			done := make(chan error, 1)
			go func() {
				done <- run(ctx, append(tt.args, "-addr", "127.0.0.1:0"), in)
				in.Close()
			}()
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatalf("%v; run returned %v", err, <-done)
			}
			address := regexp.MustCompile(`http://\S+`).FindString(line)
			resp, err := http.PostForm(address+"login", url.Values{}) // its redirect is followed
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if cookies := resp.Request.Response.Cookies(); len(cookies) != 1 || cookies[0].Name != tt.cookie {
				t.Errorf("got %v, want a cookie named %s", cookies, tt.cookie)
			}
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if _, err := http.Get(address); err == nil {
				t.Error("the server still answers")
			}
		})
	}
}

func TestRunFails(t *testing.T) {
	t.Setenv("LOGIN_KEY", "") // which puts back what it is now
	os.Unsetenv("LOGIN_KEY")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	unknown := filepath.Join(t.TempDir(), "unknown.json")
	if err := os.WriteFile(unknown, []byte(`{"provider": "nowhere"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"port taken", []string{"-addr", taken.Addr().String()}, "cannot listen on " + taken.Addr().String()},
		{"no such file", []string{"-config", "absent.json"}, "absent.json"},
		{"unknown provider", []string{"-config", unknown}, "nowhere"},
		{"no key", []string{"-config", "cookie.json"}, "LOGIN_KEY is not set"},
		{"argument", []string{"now"}, `unexpected argument "now"`},
		{"flag", []string{"-color"}, "-color"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := run(t.Context(), tt.args, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestRunHelp(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"-help"}, &out); err != nil || !strings.Contains(out.String(), "-addr") {
		t.Errorf("got %v and %q", err, &out)
	}
}
