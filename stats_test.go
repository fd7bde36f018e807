package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// What tells of somebody who tries sids is counted: once for each that is tried, and for nothing else.
func TestSuspiciousSidsAreCounted(t *testing.T) {
	foreign := "gosessionid=" + strings.Repeat("ab", 16)
	logout := func(t *testing.T, m *session.Manager, c *client) {
		kept := *c
		c.do(func(w http.ResponseWriter, r *http.Request) {
			if err := m.Destroy(w, r); err != nil {
				t.Error(err)
			}
		})
		*c = kept // as a thief would have
	}
	for name, tt := range map[string]struct {
		before             func(t *testing.T, m *session.Manager, c *client)
		cookies            func(live string) []string
		malformed, unknown uint64
		found              uint64
	}{
		"no cookie":                     {cookies: func(string) []string { return nil }},
		"a live one":                    {cookies: func(live string) []string { return []string{live} }, found: 1},
		"a live one twice":              {cookies: func(live string) []string { return []string{live + "; " + live} }, found: 1},
		"a cookie of another name":      {cookies: func(string) []string { return []string{"theme=short"} }},
		"malformed":                     {cookies: func(string) []string { return []string{"gosessionid=short"} }, malformed: 1},
		"malformed, twice":              {cookies: func(string) []string { return []string{"gosessionid=x", "gosessionid=../y"} }, malformed: 2},
		"unknown":                       {cookies: func(string) []string { return []string{foreign} }, unknown: 1},
		"unknown and malformed":         {cookies: func(string) []string { return []string{foreign + "; gosessionid=x"} }, unknown: 1, malformed: 1},
		"unknown before a live one":     {cookies: func(live string) []string { return []string{foreign, live} }, unknown: 1, found: 1},
		"more than are tried":           {cookies: func(string) []string { return []string{strings.Repeat(foreign+"; ", 100)} }, unknown: 4},
		"replayed after the logout":     {before: logout, cookies: func(live string) []string { return []string{live} }, unknown: 1},
		"replayed after the expiration": {before: func(*testing.T, *session.Manager, *client) { time.Sleep(2 * time.Hour) }, cookies: func(live string) []string { return []string{live} }, unknown: 1},
	} {
		for under, wrap := range map[string]func(*session.Manager, http.Handler) http.Handler{
			"Start":   func(_ *session.Manager, h http.Handler) http.Handler { return h },
			"Handler": (*session.Manager).Handler,
		} {
			t.Run(name+"/"+under, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newManager(t, session.CfgMaxLifeTime(3600), session.CfgLazy(true))
					c := seed(t, m, map[any]any{"user": "ann"})
					if tt.before != nil {
						tt.before(t, m, c)
					}
					before := m.Stats()
					r := httptest.NewRequest("GET", "/", nil)
					r.Header["Cookie"] = tt.cookies(c.cookie)
					wrap(m, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						s := start(t, m, w, r)
						_ = s.Get(r.Context(), "user")
						s.SessionRelease(r.Context(), w)
					})).ServeHTTP(httptest.NewRecorder(), r)
					after := m.Stats()
					got := [...]uint64{after.Malformed - before.Malformed, after.Unknown - before.Unknown, after.Loaded - before.Loaded}
					if want := [...]uint64{tt.malformed, tt.unknown, tt.found}; got != want {
						t.Errorf("malformed, unknown, loaded: %v, want %v", got, want)
					}
				})
			})
		}
	}
}

// Forged are a record that was altered in the store, where it is encrypted, and a cookie that the server has not sealed.
func TestForgedSessionsAreCounted(t *testing.T) {
	b, node := sharedMemory(t)
	encrypted := newNode(t, node(), session.CfgEncryptionKeys(newKey), session.CfgLazy(true))
	c := seed(t, encrypted, map[any]any{"user": "ann"})
	var rec driver.Record
	if err := b.Load(t.Context(), c.sid(), &rec); err != nil {
		t.Fatal(err)
	}
	rec.Data = append([]byte(nil), rec.Data...)
	rec.Data[len(rec.Data)-1] ^= 1
	if err := b.Save(t.Context(), c.sid(), &rec); err != nil {
		t.Fatal(err)
	}
	sealed := newNode(t, newSealerProvider(), session.CfgLazy(true))
	d := seed(t, sealed, map[any]any{"user": "ann"})
	d.cookie = d.cookie[:len(d.cookie)-1] + string(d.cookie[len(d.cookie)-1]^1)
	for name, tt := range map[string]struct {
		m *session.Manager
		c *client
	}{"encrypted": {encrypted, c}, "sealed": {sealed, d}} {
		before := tt.m.Stats()
		if got := tt.c.value(t, tt.m, "user"); got != nil {
			t.Errorf("%s: it opens: %v", name, got)
		}
		after := tt.m.Stats()
		if n, loaded := after.Unknown-before.Unknown, after.Loaded-before.Loaded; n != 1 || loaded != 0 {
			t.Errorf("%s: %d unknown, %d loaded, want one unknown", name, n, loaded)
		}
	}
}
