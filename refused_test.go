package session_test

import (
	"bytes"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// A value that Set has refused is not stored. Where the error was thrown away the Logger tells of it, once, when the session is
// released: by its type, without key or value.
func TestRefusedValuesAreLogged(t *testing.T) {
	type unregistered struct{ Name string }
	secret := unregistered{"a secret"}
	for _, tt := range []struct {
		name string
		do   func(s *session.Session)
		want []string // types
	}{
		{"taken", func(s *session.Session) { set(t, s, "key-1234", 1) }, nil},
		{"refused", func(s *session.Session) { _ = s.Set(t.Context(), "key-1234", secret) }, []string{"session_test.unregistered"}},
		{"twice", func(s *session.Session) {
			_ = s.Set(t.Context(), "key-1234", secret)
			_ = s.Set(t.Context(), "key-1234", func() {})
		}, []string{"session_test.unregistered"}},
		{"two keys", func(s *session.Session) {
			_ = s.Set(t.Context(), "key-1234", secret)
			_ = s.Set(t.Context(), "another", func() {})
			set(t, s, "a third", 1)
		}, []string{"session_test.unregistered", "func()"}},
		{"another value under the key", func(s *session.Session) {
			_ = s.Set(t.Context(), "key-1234", secret)
			set(t, s, "key-1234", 1)
		}, nil},
		{"too large", func(s *session.Session) { _ = s.Set(t.Context(), "key-1234", strings.Repeat("s", 5<<10)) }, []string{"string"}},
		{"a key that is none", func(s *session.Session) {
			_ = s.Set(t.Context(), []int{1}, 1.5)
			_ = s.Set(t.Context(), math.NaN(), nil)
		}, []string{"float64", "nil"}},
		{"keys that hold what cannot be compared", func(s *session.Session) {
			_ = s.Set(t.Context(), holder{[]int{1}}, 1.5)
			_ = s.Set(t.Context(), holder{[]int{1}}, "a secret")
			_ = s.Set(t.Context(), (*holder)(nil), true)
		}, []string{"float64", "bool"}},
		{"more than anybody reads", func(s *session.Session) {
			for range 20 {
				_ = s.Set(t.Context(), math.NaN(), 1.5)
			}
		}, slices.Repeat([]string{"float64"}, 8)},
		{"one of the package's own keys", func(s *session.Session) { _ = s.Set(t.Context(), "\x01session.k", 1) }, []string{"int"}},
	} {
		for _, way := range []string{"SessionRelease", "Handler"} {
			for name, open := range map[string]func() session.Provider{
				"memory": func() session.Provider { return newFaulty(t).provider() }, "sealed": newSealerProvider,
			} {
				if tt.name == "too large" && name == "memory" { // that is an error of Save, not of Set
					continue
				}
				t.Run(tt.name+"/"+way+"/"+name, func(t *testing.T) {
					var log bytes.Buffer
					m := newNode(t, open(), session.CfgCodec("gob"), session.CfgLogger(slog.New(slog.NewTextHandler(&log, nil))),
						session.CfgMarkLifetime(-1))
					w, r := httptest.NewRecorder(), new(client).request()
					if way == "Handler" {
						m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
							s, err := m.FromContext(r.Context())
							if err != nil {
								t.Fatal(err)
							}
							tt.do(s)
						})).ServeHTTP(w, r)
					} else {
						s := start(t, m, w, r)
						tt.do(s)
						save(t, s)
						if log.Len() > 0 {
							t.Errorf("Save has told: %s", &log)
						}
						s.SessionRelease(t.Context(), w)
						s.SessionRelease(t.Context(), w)
					}
					if w.Code != http.StatusOK {
						t.Errorf("the response is %d", w.Code)
					}
					text := log.String()
					if n := strings.Count(text, "was not stored"); n != len(tt.want) {
						t.Errorf("the Logger was told %d times, want %d: %s", n, len(tt.want), text)
					}
					for _, kind := range tt.want {
						if !strings.Contains(text, "type="+kind) {
							t.Errorf("the Logger was not told of a %s: %s", kind, text)
						}
					}
					if strings.Contains(text, "key-1234") || strings.Contains(text, "a secret") {
						t.Errorf("the Logger was told too much: %s", text)
					}
				})
			}
		}
	}
}

// A holder can be a key if what it holds can be compared.
type holder struct{ value any }

// Under Handler the Logger is told also if the application knows from Save that its other changes are not stored.
func TestRefusedValuesBesideASaveThatFailed(t *testing.T) {
	f := newFaulty(t)
	var log bytes.Buffer
	m := newNode(t, f.provider(), session.CfgLogger(slog.New(slog.NewTextHandler(&log, nil))))
	c := seed(t, m, map[any]any{"k": "v"})
	c.do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Set(r.Context(), "refused", func() {})
		set(t, s, "k", "new")
		f.down(refused)
		if err := s.Save(r.Context()); err == nil {
			t.Error("Save succeeded")
		}
	})).ServeHTTP)
	if n := strings.Count(log.String(), "was not stored"); n != 1 {
		t.Errorf("the Logger was told %d times: %s", n, &log)
	}
}
