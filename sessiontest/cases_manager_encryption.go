package sessiontest

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// An attacker who can write to the store but has no key.
var encryptionCases = []testCase{
	{
		name:     "encryption/altered record",
		notBeego: true,
		sentence: "S11",
		rule:     "With encryptionKeys a record whose user, times, metadata or values were altered, or taken from another record, is not a session.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t, session.CfgEncryptionKeys(firstKey), session.CfgAbsoluteLifetime(12*time.Hour))
			b := e.node(t)
			ann, eve := e.loggedIn(t, m, "Ann"), e.loggedIn(t, m, "Eve")
			for _, visitor := range []*browser{ann, eve} {
				visitor.visit(t, m, func(s *flight) { wantOK(t, "SetLabel", s.SetLabel(t.Context(), "phone")) })
			}
			key := e.storageKey(b, eve.value())
			of := load(t, b, e.storageKey(b, ann.value()))
			if len(of.Data) < 2 {
				t.Fatal("what is stored is not encrypted")
			}
			for what, alter := range map[string]func(rec *driver.Record){
				"the user is another":            func(rec *driver.Record) { rec.User = of.User },
				"the user is nobody":             func(rec *driver.Record) { rec.User = "" },
				"the beginning is later":         func(rec *driver.Record) { rec.Created = rec.Created.Add(time.Hour) },
				"the login is later":             func(rec *driver.Record) { rec.AuthTime = rec.AuthTime.Add(time.Hour) },
				"the deadline is later":          func(rec *driver.Record) { rec.Deadline = rec.Deadline.Add(time.Hour) },
				"there is no deadline":           func(rec *driver.Record) { rec.Deadline = time.Time{} },
				"the alias is another":           func(rec *driver.Record) { rec.Alias = of.User },
				"the metadata is another's":      func(rec *driver.Record) { rec.Meta = of.Meta },
				"there is no metadata":           func(rec *driver.Record) { rec.Meta = nil },
				"the values are another's":       func(rec *driver.Record) { rec.Data = of.Data },
				"all but the key is another's":   func(rec *driver.Record) { *rec = *of },
				"the values are another codec's": func(rec *driver.Record) { rec.Data = append([]byte{rec.Data[0], rec.Data[1] + 1}, rec.Data[2:]...) },
				"the values are those of before": func(rec *driver.Record) { rec.Data = append([]byte{3}, rec.Data[1:]...) },
			} {
				before := load(t, b, key)
				altered := *before
				alter(&altered)
				altered.Version = before.Version
				save(t, b, key, &altered)
				s := eve.start(t, m)
				if !s.IsNew() || s.User() != "" || s.RequireFresh(24*time.Hour) == nil {
					t.Errorf("%s: the session opens, of user %q", what, s.User())
				}
				before.Version = load(t, b, key).Version
				save(t, b, key, before)
				if s := eve.start(t, m); s.User() != "Eve" { // it was the alteration
					t.Errorf("%s: as it was the session does not open either", what)
				}
			}
		},
	},
	{
		name:     "encryption/older key",
		notBeego: true,
		sentence: "S2",
		rule:     "A save, a touch, a login, Regenerate and UpdateExpiration re-encrypt values and user with the first key; then the older key may be removed.",
		check: func(t testing.TB, e *env) {
			before := e.manager(t, session.CfgEncryptionKeys(firstKey))
			both := e.manager(t, session.CfgEncryptionKeys(secondKey, firstKey), session.CfgTouchInterval(-1))
			after := e.manager(t, session.CfgEncryptionKeys(secondKey))
			for what, use := range map[string]func(b *browser){
				"save":       func(b *browser) { b.visit(t, both, func(s *flight) { s.set(t, values{"seen": true}) }) },
				"touch":      func(b *browser) { b.visit(t, both, nil) },
				"Regenerate": func(b *browser) { *b = *b.regenerate(t, both) },
				"login": func(b *browser) {
					b.visit(t, both, func(s *flight) { wantOK(t, "Login", s.Login(t.Context(), "Ann")) })
				},
				"UpdateExpiration": func(b *browser) {
					wantOK(t, "UpdateExpiration", both.UpdateExpiration(httptest.NewRecorder(), b.request(), time.Hour))
				},
			} {
				b := e.loggedIn(t, before, "Ann")
				b.visit(t, before, func(s *flight) {
					s.set(t, values{"cart": "book"})
					wantOK(t, "SetLabel", s.SetLabel(t.Context(), "phone"))
				})
				if s := b.start(t, after); !s.IsNew() {
					t.Errorf("%s: a key that is not listed opens the session", what)
				}
				e.tick() // a touch that moves nothing is none
				use(b)
				s := b.start(t, after)
				if s.wantValues(t, values{"cart": "book"}); s.User() != "Ann" || s.Label(t.Context()) != "phone" {
					t.Errorf("after %s the user is %q, labelled %q, without the older key", what, s.User(), s.Label(t.Context()))
				}
				wantOK(t, "Destroy", after.Destroy(httptest.NewRecorder(), b.request()))
			}
		},
	},
	{
		name:     "encryption/users of older keys",
		sentence: "UserLister",
		notBeego: true,
		rule:     "While several keys are listed, SessionsOf, DestroyUser and the limit of sessions find a user's sessions under every key.",
		check: func(t testing.TB, e *env) {
			before := e.manager(t, session.CfgEncryptionKeys(firstKey))
			both := e.manager(t, session.CfgEncryptionKeys(secondKey, firstKey))
			optional[driver.UserLister](t, e.node(t))
			e.loggedIn(t, before, "Ann")
			e.loggedIn(t, both, "Ann")
			infos, err := both.SessionsOf(t.Context(), "Ann")
			if wantOK(t, "SessionsOf", err); len(infos) != 2 {
				t.Errorf("%d sessions listed, want 2", len(infos))
			}
			if n, err := both.DestroyUser(t.Context(), "Ann"); n != 2 || err != nil {
				t.Errorf("DestroyUser = %d, %v, want 2", n, err)
			}
			optional[driver.UserLimiter](t, e.node(t))
			limited := e.limited(t, session.CfgEncryptionKeys(secondKey, firstKey), session.CfgMaxPerUser(2))
			first := e.loggedIn(t, before, "Ann")
			e.tick() // else either is the earlier one
			second := e.loggedIn(t, before, "Ann")
			third := e.loggedIn(t, limited, "Ann")
			if s := first.start(t, both); s.User() != "" {
				t.Error("with a limit of 2 the first of 3 sessions is live")
			}
			for _, b := range []*browser{second, third} {
				if s := b.start(t, both); s.User() != "Ann" {
					t.Error("a session within the limit has ended")
				}
			}
		},
	},
}

const (
	firstKey  = "a first key of many bytes"
	secondKey = "a second key of many bytes"
)

// tick waits until the engine's times are others than before.
func (e *env) tick() { time.Sleep(2 * e.resolution) }
