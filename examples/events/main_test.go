package main

import (
	"bufio"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
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
