// Package frameworks is only for tests. Each folder contains the code that docs/frameworks.md shows for one framework, and
// a test that visits it like a browser.
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

// Sessions returns a manager with the memory provider. It is closed when the test ends.
func Sessions(t *testing.T) *session.Manager {
	t.Helper()
	m, err := session.New(memory.New(), session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Serve serves h until the test ends, and returns its base URL, such as "http://127.0.0.1:1234".
func Serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// Visit counts, logs in, counts again and logs out. It fails the test unless the login keeps the count under a new sid, and
// the logout ends the session even for a client that has kept the cookie.
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
	before.post(t, "/count", http.StatusServiceUnavailable) // for a minute a replaced sid can store nothing
}

// A Browser keeps the session's cookie. The zero value with an Address is a new visitor.
type Browser struct {
	Address string // the base URL that Serve returned
	Cookie  string // the cookie's value; "" for none
}

// Count posts to /count, and fails the test unless the answer is the number want.
func (b *Browser) Count(t *testing.T, want string) {
	t.Helper()
	if got := b.post(t, "/count", http.StatusOK); got != want {
		t.Errorf("count is %q, want %s", got, want)
	}
}

var number = regexp.MustCompile(`\d+`)

// post sends a POST and returns the number in the answer.
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
