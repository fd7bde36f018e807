package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/seed1a8f7c28/session"
)

func TestVisits(t *testing.T) {
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	file := filepath.Join(t.TempDir(), "sessions.db")
	sessions, err := session.NewManager("sqlite", session.NewManagerConfig(session.CfgProviderConfig(file)))
	if err != nil {
		t.Fatal(err)
	}
	defer sessions.Close()
	server := httptest.NewServer(visits(sessions))
	defer server.Close()
	for _, want := range []string{"visit number 1\n", "visit number 2\n"} {
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
