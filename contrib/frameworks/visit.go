// Package frameworks is for tests alone: each folder has the code that docs/frameworks.md shows for one framework, and a test
// that visits it as a browser does.
package frameworks

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// Sessions returns a manager with the memory provider, which is closed with the test.
func Sessions(t *testing.T) *session.Manager {
	t.Helper()
	m, err := session.New(memory.New(), session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Serve serves h until the test ends, and returns its address, as "http://127.0.0.1:1".
func Serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// Visit counts, logs in, counts on and logs out. A login keeps the count under a new sid; a logout ends it, for who has
// kept the cookie too.
func Visit(t *testing.T, address string) {
	t.Helper()
	b := &Browser{Address: address}
	b.Count(t, "1")
	stranger := b.Cookie
	b.post(t, "/login", http.StatusNoContent)
	if b.Cookie == "" || b.Cookie == stranger {
		t.Error("the login has not given a new sid")
	}
	b.Count(t, "2")
	b.Count(t, "3")
	ann := *b
	b.post(t, "/logout", http.StatusNoContent)
	if b.Cookie != "" {
		t.Error("the logout has left the cookie")
	}
	b.Count(t, "1")
	ann.Count(t, "1")
	before := &Browser{address, stranger}
	before.post(t, "/count", http.StatusServiceUnavailable) // for a minute a sid that a login has replaced stores nothing
}

// A Browser keeps the session's cookie.
type Browser struct {
	Address string // what Serve returns
	Cookie  string // the cookie's value; "" is none
}

// Count posts to /count, which has to answer with the number want.
func (b *Browser) Count(t *testing.T, want string) {
	t.Helper()
	if got := b.post(t, "/count", http.StatusOK); got != want {
		t.Errorf("count is %q, want %s", got, want)
	}
}

var number = regexp.MustCompile(`\d+`)

// post returns the number in the answer.
func (b *Browser) post(t *testing.T, path string, status int) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.Cookie != "" {
		r.AddCookie(&http.Cookie{Name: "gosessionid", Value: b.Cookie})
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s: %s, %q, %v", path, res.Status, body, err)
	}
	for _, c := range res.Cookies() {
		if b.Cookie = c.Value; c.MaxAge < 0 {
			b.Cookie = ""
		}
	}
	return number.FindString(string(body))
}
