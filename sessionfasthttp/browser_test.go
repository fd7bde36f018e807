package sessionfasthttp_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A site is one application on one stack, and what happened there.
type site struct {
	t       testing.TB
	address string

	mu   sync.Mutex
	log  []string
	sids []string // in the order of their appearance
}

// said writes a line of the log, with numbers in place of sids.
func (s *site) said(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, line)
}

// number returns the name of a sid in the log.
func (s *site) number(sid string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.sids, sid)
	if i < 0 {
		i = len(s.sids)
		s.sids = append(s.sids, sid)
	}
	return fmt.Sprintf("sid%d", i+1)
}

// A browser keeps the session's cookie.
type browser struct {
	name   string
	site   *site
	client *http.Client
	method string // GET if it is ""
	cookie string
	query  string
	header http.Header
}

func (s *site) browser(name string) *browser {
	transport := new(http.Transport)
	s.t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	return &browser{name: name, site: s, client: client, header: make(http.Header)}
}

// tab is another window of the same browser.
func (b *browser) tab(name string) *browser {
	tab := *b
	tab.name, tab.header = name, b.header.Clone()
	return &tab
}

// get visits a page and logs what came of it: status, body, and what the headers say about the session.
func (b *browser) get(path string) (body string) {
	b.site.t.Helper()
	url := "http://" + b.site.address + path
	if b.query != "" {
		url += "?" + b.query
	}
	r, err := http.NewRequest(b.method, url, nil)
	if err != nil {
		b.site.t.Fatal(err)
	}
	r.Header = b.header.Clone()
	if b.cookie != "" {
		r.Header.Set("Cookie", "theme=dark; gosessionid="+b.cookie)
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.site.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.site.t.Fatal(err)
	}
	line := fmt.Sprintf("%s %s: %d %s", b.name, path, res.StatusCode, text)
	for _, set := range res.Header["Set-Cookie"] {
		value, attributes, _ := strings.Cut(strings.TrimPrefix(set, "gosessionid="), ";")
		if b.cookie = value; value != "" {
			value = b.site.number(value)
		}
		line += " | Set-Cookie: " + value + ";" + attributes
	}
	for _, name := range []string{"X-Sid", "Vary", "Cache-Control", "Clear-Site-Data"} {
		for _, value := range res.Header[name] {
			if name == "X-Sid" {
				b.header.Set(name, value)
				value = b.site.number(value)
			}
			line += " | " + name + ": " + value
		}
	}
	b.site.said(line)
	return string(text)
}

// want is get, with the body that must come.
func (b *browser) want(path, body string) {
	b.site.t.Helper()
	if got := b.get(path); got != body {
		b.site.t.Errorf("%s %s: %q, want %q", b.name, path, got, body)
	}
}
