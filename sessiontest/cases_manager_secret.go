package sessiontest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Neither a stolen store nor a log contains anything that gives access to a session.
var secretCases = []testCase{
	{
		name:     "secret/stored keys",
		notBeego: true,
		sentence: "S10",
		rule:     "Storage keys are 43 characters of base64url derived from sid and namespace, and no record contains a sid.",
		check: func(t testing.TB, e *env) {
			var keys, stored []string
			m := e.tapped(t, func(c call, do func() error) error {
				keys = append(keys, c.key)
				if c.newKey != "" {
					keys = append(keys, c.newKey)
				}
				if c.rec != nil {
					stored = append(stored, fmt.Sprint(*c.rec), string(c.rec.Data))
				}
				return do()
			})
			if _, ok := driver.As[driver.InProcess](e.node(t)); ok {
				t.Skip("the store is in this process, and cannot be stolen alone")
			}
			b := visitor(t, m, values{"a": "1"})
			sids := []string{b.value()}
			b = b.regenerate(t, m)
			sids = append(sids, b.value())
			b.visit(t, m, func(s *flight) { s.set(t, values{"a": "2"}) })
			b.destroy(t, m)
			for _, key := range keys {
				if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(key) {
					t.Errorf("a key has %d characters, or others", len(key))
				}
				if key != e.hashed(sids[0]) && key != e.hashed(sids[1]) {
					t.Error("a key is not the hash of namespace and sid")
				}
			}
			for _, sid := range sids {
				if strings.Contains(strings.Join(stored, " ")+strings.Join(keys, " "), sid) {
					t.Error("a sid was given to the store")
				}
			}
		},
	},
	{
		name:     "secret/stored key is no sid",
		notBeego: true,
		sentence: "S10",
		rule:     "A storage key read from a stolen store is refused as a cookie.",
		check: func(t testing.TB, e *env) {
			if _, ok := driver.As[driver.InProcess](e.node(t)); ok {
				t.Skip("the store is in this process, and cannot be stolen alone")
			}
			var key string
			m := e.tapped(t, func(c call, do func() error) error {
				if c.method == "save" {
					key = c.key
				}
				return do()
			})
			b := visitor(t, m, values{"user": "ann"})
			for _, stolen := range []string{key, key[:min(len(key), 32)]} {
				s := with(stolen).start(t, m)
				if !s.IsNew() {
					t.Error("the key was accepted")
				}
				wantSID(t, m, stolen, false)
			}
			b.wantValues(t, m, values{"user": "ann"})
		},
	},
	{
		name:       "secret/shown",
		sentence:   "S13",
		rule:       "No sid, value or name of a value appears in an error, in the log, or in a Session that is printed or encoded as JSON.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			const value, name = "canary-value", "canary-name"
			var shown bytes.Buffer
			show := func(err error) { fmt.Fprintf(&shown, "%v %+v %#v\n", err, err, err) }
			var broken map[string]bool
			m := e.tapped(t, failing(&broken), session.CfgTouchInterval(-1), session.CfgMaxBytes(4000),
				session.CfgLogger(slog.New(slog.NewJSONHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug}))),
				session.CfgErrorHandler(func(_ http.ResponseWriter, _ *http.Request, err error) { show(err) }))
			b := visitor(t, m, values{name: value})
			secrets := []string{b.value(), value, name}
			s := b.start(t, m)
			secrets = append(secrets, s.SessionID(t.Context()))
			printed, err := json.Marshal(map[string]any{"session": s.Session})
			wantOK(t, "Marshal", err)
			shown.Write(printed)
			fmt.Fprintf(&shown, "%v %+v %#v %s %q %x %d", s.Session, s.Session, s.Session, s.Session, s.Session, s.Session, s.Session)

			show(s.Set(t.Context(), name, struct{ Canary chan int }{}))
			show(s.Set(t.Context(), name, strings.Repeat(value, 1000)))
			show(s.Update(t.Context(), name, func(any) (any, error) { return make(chan int), nil }))
			_, err = s.Increment(t.Context(), name, 1)
			show(err)
			show(s.Set(t.Context(), name, value+"2"))
			broken = allDown()
			show(s.Save(t.Context()))
			s.SessionRelease(t.Context(), s.w)
			show(s.Regenerate(t.Context()))
			_, err = m.Start(httptest.NewRecorder(), b.request())
			show(err)
			m.SessionDestroy(httptest.NewRecorder(), b.request())
			broken = nil
			s = b.start(t, m)
			b.destroy(t, m)
			show(s.Set(t.Context(), name, value))
			s.SessionRelease(t.Context(), s.w)
			show(s.Save(t.Context()))
			_, err = m.GetSessionStore(secrets[0])
			show(err)
			wantOK(t, "Close", m.Close())
			_, err = m.Start(httptest.NewRecorder(), b.request())
			show(err)
			for i, secret := range secrets {
				if at := strings.Index(shown.String(), secret); at >= 0 {
					t.Errorf("the %s is shown, after %q", []string{"cookie", "value", "name", "sid"}[i],
						shown.String()[max(0, at-80):at])
				}
			}
		},
	},
}

// hashed returns the storage key of a sid in a store outside this process.
func (e *env) hashed(sid string) string { return Key(e.namespace + "\x00" + sid) }
