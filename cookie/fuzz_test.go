package cookie_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// FuzzOpen sends any Cookie header. What was not sealed is no session, and nothing panics.
func FuzzOpen(f *testing.F) {
	managers := []*session.Manager{
		newManager(f, oneKey, session.CfgNamespace("app")),
		newManager(f, `{"securityKey": "a secret of the tests", "maxCookies": 9}`, session.CfgCodec("gob")),
		newManager(f, theirs.config(), session.CfgBeego(true)),
	}
	for i, m := range managers {
		b := seeded(f, m)
		b.visit(m, func(s *session.Session) { set(f, s, "text", strings.Repeat("x", 5000)) })
		parts := b.jar.values()
		first, second := parts["gosessionid"], parts["gosessionid.1"]
		// What is missing cannot be guessed.
		f.Add(pairs(first, second[:len(second)-8]), byte(i))
		f.Add(pairs(first, second[8:]), byte(i))
		f.Add(pairs(first[:40]+first[48:], second), byte(i))
	}
	f.Add("gosessionid="+golden, byte(0))
	for i, header := range []string{
		"", "gosessionid", "gosessionid=", "gosessionid=;gosessionid.1=", "gosessionid=2.A; gosessionid.1=B",
		"gosessionid=9.A", "gosessionid=AQ", `gosessionid="`, "gosessionid=%7C", beegoSide{"another hash key", theirs.blockKey, theirs.securityName}.cookie(f, map[any]any{"user": "ann"}),
	} {
		f.Add(header, byte(i))
	}
	f.Fuzz(func(t *testing.T, header string, which byte) {
		if strings.Contains(header, golden) {
			t.Skip("it was sealed")
		}
		m := managers[int(which)%len(managers)]
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{header}
		s, err := m.Start(w, r)
		if err != nil {
			t.Fatal(err)
		}
		if !s.IsNew() || s.Get(r.Context(), "user") != nil {
			t.Error("it opens")
		}
		set(t, s, "n", 1)
		if again := start(t, m, w, r); again.Get(r.Context(), "n") != 1 {
			t.Error("a second Start finds another session")
		}
		s.SessionRelease(r.Context(), w)
		var jar jar
		jar.take(w.Header()["Set-Cookie"], false)
		next := httptest.NewRequest("GET", "/", nil)
		next.Header["Cookie"] = []string{jar.header(false)}
		if s := start(t, m, httptest.NewRecorder(), next); s.Get(r.Context(), "n") != 1 || len(jar.refused) > 0 {
			t.Errorf("the answer opens no session: %v", w.Header()["Set-Cookie"])
		}
	})
}
