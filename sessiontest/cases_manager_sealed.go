package sessiontest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

const maxPair = 4096 // what a browser keeps of a cookie, name and value together

// noise returns n bytes that cannot be compressed.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return string(b)
}

// sealerCases are rules for client-side stores only.
var sealerCases = []testCase{
	{
		name:       "sealed/large values",
		sentence:   "S9",
		rule:       "A session that does not fit into its cookies is refused with ErrTooLarge, and the cookies stay as they are.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			b := visitor(t, m, values{"a": "1"})
			before := values{"a": "1"}
			refused := false
			for n := 1000; !refused; n += 1000 {
				if n > 9*maxPair {
					t.Fatalf("a session of %d bytes was accepted, more than nine cookies hold", n)
				}
				large := noise(n)
				s := b.start(t, m)
				if err := s.Set(t.Context(), "b", large); err != nil {
					wantErr(t, "Set", err, session.ErrTooLarge)
					wantNoCookie(t, "the response", s.w.Header())
					s.wantValues(t, before)
					refused = true
				} else {
					before["b"] = large
				}
				b.take(s.w.Header())
				for _, pair := range b.pairs() {
					if n := len(pair) - len("="); n > maxPair {
						t.Errorf("a cookie has %d bytes, a browser keeps %d", n, maxPair)
					}
				}
				b.wantValues(t, m, before)
			}
			after := values{"a": "1", "b": nil, "c": noise(1000)}
			s := b.start(t, m)
			wantOK(t, "Delete", s.Delete(t.Context(), "b"))
			s.set(t, values{"c": after["c"]})
			b.take(s.w.Header())
			b.wantValues(t, m, after)
			if n := len(b.pairs()); n != 1 {
				t.Errorf("a session that fits into one cookie has %d", n)
			}
		},
	},
	{
		name:       "sealed/parts",
		sentence:   "S11",
		rule:       "The cookies of one session open only together, in any order.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			b := visitor(t, m, values{"a": "1"})
			s := b.start(t, m)
			if err := s.Set(t.Context(), "large", noise(maxPair)); errors.Is(err, session.ErrTooLarge) {
				t.Skip("the store keeps a session in one cookie")
			}
			b.take(s.w.Header())
			whole := b.pairs()
			s = b.start(t, m)
			s.set(t, values{"large": noise(maxPair)}) // another state of the same size
			next := &browser{b.cookie}
			next.take(s.w.Header())
			other := next.pairs()
			if len(whole) < 2 || len(whole) != len(other) {
				t.Fatalf("%d bytes are in %d cookies", maxPair, len(whole))
			}
			for what, pairs := range map[string][]string{
				"the last of another state": append(slices.Clone(whole[:len(whole)-1]), other[len(other)-1]),
				"the first alone":           whole[:1],
				"without the first":         whole[1:],
				"the first of another":      append([]string{other[0]}, whole[1:]...),
			} {
				s := (&browser{strings.Join(pairs, "; ")}).start(t, m)
				if !s.IsNew() || s.Get(t.Context(), "a") != nil {
					t.Errorf("%s: it opens", what)
				}
			}
			turned := slices.Clone(whole)
			slices.Reverse(turned)
			for _, pairs := range [][]string{whole, turned, other} {
				(&browser{strings.Join(pairs, "; ")}).wantValues(t, m, values{"a": "1"})
			}
		},
	},
	{
		name:       "sealed/size",
		sentence:   "SealSizer",
		rule:       "No sealed record is longer than SealedSize has said.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			s, err := e.seal(t.Context(), driver.Config{
				Namespace: e.namespace, Lifetime: time.Hour, Logger: slog.New(slog.DiscardHandler),
			})
			wantOK(t, "opening the sealer", err)
			if c, ok := s.(io.Closer); ok {
				defer func() { wantOK(t, "Close", c.Close()) }()
			}
			sizer, ok := s.(driver.SealSizer)
			if !ok {
				t.Skip("the sealer does not know lengths")
			}
			for n := range driver.MaxAlias {
				text := noise(n)
				for part, rec := range map[string]driver.Record{
					"data": {Data: []byte(text)}, "user": {User: text}, "alias": {Alias: text}, "metadata": {Meta: []byte(text)},
					"all": {User: text, Alias: text, Meta: []byte(text), Data: []byte(strings.Repeat(text, 10))},
				} {
					rec.Version, rec.Expires = 1, time.Now().Add(time.Hour)
					said := sizer.SealedSize(cookieName, &rec)
					sealed, err := s.Seal(nil, cookieName, &rec)
					wantOK(t, "Seal", err)
					if len(sealed) > said {
						t.Fatalf("%d bytes of %s: %d bytes sealed, SealedSize has said %d", n, part, len(sealed), said)
					}
				}
			}
		},
	},
	{
		name:       "sealed/outage",
		sentence:   "S8",
		rule:       "A session that cannot be sealed leads to an error, and the cookie stays as it is.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			var broken bool
			mine := *e
			mine.seal = func(ctx context.Context, c driver.Config) (driver.Sealer, error) {
				s, err := e.seal(ctx, c)
				return failingSealer{s, &broken}, err
			}
			m := mine.manager(t)
			b := visitor(t, m, values{"user": "ann"})
			s := b.start(t, m)
			broken = true
			wantErr(t, "Set", s.Set(t.Context(), "user", "bob"), errInjected)
			wantErr(t, "Regenerate", s.Regenerate(t.Context()), errInjected)
			wantNoCookie(t, "the response", s.w.Header())
			w := httptest.NewRecorder()
			_, err := m.Start(w, new(browser).request())
			wantErr(t, "Start", err, errInjected)
			wantNoCookie(t, "the response to a new visitor", w.Header())
			broken = false
			s.wantValues(t, values{"user": "ann"})
			b.wantValues(t, m, values{"user": "ann"})
		},
	},
	{
		name:       "sealed/changed cookie",
		sentence:   "S11",
		rule:       "A sealed cookie in which any bit or the length was changed opens as no session.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t)
			v := visitor(t, m, values{"user": "ann"})
			other := visitor(t, m, values{"user": "bob"})
			whole := v.value()
			half := len(whole) / 2
			changed := []string{whole[:half] + other.value()[min(half, len(other.value())):], other.value() + whole, whole + whole}
			for _, data := range damaged([]byte(whole)) {
				if !bytes.ContainsAny(data, "\x00\r\n;\" ") { // which a cookie's value cannot hold
					changed = append(changed, string(data))
				}
			}
			for _, cookie := range changed {
				if cookie == whole {
					continue
				}
				s, err := m.Start(httptest.NewRecorder(), with(cookie).request())
				if err != nil || !s.IsNew() || s.Get(t.Context(), "user") != nil {
					t.Fatalf("Start with a changed cookie: %v; want a fresh session", err)
				}
			}
			v.wantValues(t, m, values{"user": "ann"})
		},
	},
	{
		name:       "sealed/another cookie",
		sentence:   "S11",
		rule:       "A value sealed under one cookie name does not open under another.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			v := visitor(t, e.manager(t), values{"user": "ann"})
			other := e.manager(t, session.CfgCookieName("other"))
			s := (&browser{"other=" + v.value()}).start(t, other)
			if !s.IsNew() {
				t.Error("it was accepted")
			}
		},
	},
}

// failingSealer seals nothing while *broken.
type failingSealer struct {
	driver.Sealer
	broken *bool
}

func (s failingSealer) Seal(dst []byte, name string, rec *driver.Record) ([]byte, error) {
	if *s.broken {
		return nil, errInjected
	}
	return s.Sealer.Seal(dst, name, rec)
}
