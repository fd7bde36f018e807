package main

import (
	"bufio"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/examples/internal/down"
	"github.com/seed1a8f7c28/session/memory"
)

// TestLogoutInAnotherWindow listens in one window and logs out in another.
func TestLogoutInAnotherWindow(t *testing.T) {
	m, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	server := httptest.NewServer(newApp(m, 10*time.Millisecond))
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	post := func(path string) {
		t.Helper()
		res, err := browser.Post(server.URL+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, res.Status)
		}
	}
	if res, err := browser.Get(server.URL + "/events"); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Fatalf("events for nobody: %v, %v", res, err)
	}
	post("/login")
	res, err := browser.Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines, times := bufio.NewScanner(res.Body), 0
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "data: ") && times < 3:
			if times++; times == 3 {
				post("/logout")
			}
		case line == "event: bye":
			return
		}
	}
	t.Errorf("the stream ended after %d events without a word: %v", times, lines.Err())
}

// TestPages asks for each page as nobody, as the user, and from another site.
func TestPages(t *testing.T) {
	m, err := session.New(memory.New(), session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	b := visit(t, m)
	b.wants(http.MethodGet, "/", http.StatusOK, `action="/login"`, "/style.css")
	if len(b.cookies()) != 0 {
		t.Error("a mere visit sets a cookie")
	}
	b.wants(http.MethodGet, "/style.css", http.StatusOK, "body {")
	b.wants(http.MethodGet, "/events.js", http.StatusOK, "EventSource")
	b.wants(http.MethodGet, "/nowhere", http.StatusNotFound, "No such page", "/style.css")
	b.wants(http.MethodPost, "/login", http.StatusOK, "Hello, Ann</h1>", `action="/logout"`, "/events.js")
	b.site = "cross-site"
	b.wants(http.MethodPost, "/logout", http.StatusForbidden, "came from another site", "/style.css")
	b.site = "same-origin"
	b.wants(http.MethodGet, "/", http.StatusOK, "Hello, Ann</h1>")
	b.wants(http.MethodPost, "/logout", http.StatusOK, `action="/login"`)
	if len(b.cookies()) != 0 {
		t.Error("the logout leaves a cookie")
	}
}

func TestStoreIsDown(t *testing.T) {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	for _, readable := range []bool{false, true} {
		m, err := session.New(down.Provider(readable), session.NewManagerConfig(
			session.CfgErrorHandler(unavailable), session.CfgLogger(slog.New(slog.DiscardHandler))))
		if err != nil {
			t.Fatal(err)
		}
		b := visit(t, m)
		b.wants(http.MethodGet, "/", http.StatusOK, `action="/login"`) // who has no cookie needs no store
		b.jar.SetCookies(b.url, []*http.Cookie{{Name: "gosessionid", Value: down.SID, Path: "/"}})
		for _, path := range []string{"/login", "/logout"} {
			b.wants(http.MethodPost, path, http.StatusServiceUnavailable, "cannot be reached just now", "/style.css")
		}
		if !readable {
			b.wants(http.MethodGet, "/", http.StatusServiceUnavailable, "cannot be reached just now")
			b.wants(http.MethodGet, "/events", http.StatusServiceUnavailable, "cannot be reached just now")
		}
		if c := b.cookies(); len(c) != 1 || c[0].Value != down.SID {
			t.Errorf("the outage changed the cookies: %v", c)
		}
	}
}

// A browser visits an application.
type browser struct {
	*testing.T
	url  *url.URL
	jar  *cookiejar.Jar
	site string // of Sec-Fetch-Site
}

// visit serves the application with these sessions, and closes both with the test.
func visit(t *testing.T, m *session.Manager) *browser {
	t.Helper()
	server := httptest.NewServer(newApp(m, time.Hour))
	t.Cleanup(func() { server.Close(); m.Close() })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, u, jar, "same-origin"}
}

func (b *browser) cookies() []*http.Cookie { return b.jar.Cookies(b.url) }

// wants makes a request, and looks at the answer at the end of all redirects.
func (b *browser) wants(method, path string, status int, all ...string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.url.String()+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", b.site)
	res, err := (&http.Client{Jar: b.jar}).Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		b.Errorf("%s %s: %s, %v", method, path, res.Status, err)
	}
	for _, want := range all {
		if !strings.Contains(string(body), want) {
			b.Errorf("%s %s: no %q in\n%s", method, path, want, body)
		}
	}
}
