package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// inFiles opens file.json, whose path is relative, in the folder where the test is.
func inFiles(t *testing.T, config string) *session.Manager {
	t.Helper()
	m, err := open(config)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSessionsInFilesSurviveARestart(t *testing.T) {
	config, err := filepath.Abs("file.json")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())

	before := start(t, inFiles(t, config), false)
	v := visit(t, before)
	wantOut(t, v.get("/"))
	wantIn(t, v.login("Ada"), "Ada")
	wantCount(t, v.post("/count"), 1)

	after := start(t, inFiles(t, config), false)
	cookies := v.client.Jar.Cookies(parse(t, before.URL))
	v.base = after.URL
	v.client.Jar.SetCookies(parse(t, after.URL), cookies)
	wantIn(t, v.get("/"), "Ada")
	wantCount(t, v.post("/count"), 2)
	wantOut(t, v.post("/logout"))

	old := visit(t, after)
	old.client.Jar.SetCookies(parse(t, after.URL), []*http.Cookie{cookies[0]})
	wantOut(t, old.get("/"))
}
