package cookie_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/gob"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/cookie"
)

// beegoSide makes cookies as beego's cookie provider does.
type beegoSide struct{ securityKey, blockKey, securityName string }

var theirs = beegoSide{"beegocookiehashkey", "0123456789abcdef", "beegocookie"}

// config is the provider config that beego was given.
func (b beegoSide) config() string {
	return fmt.Sprintf(`{"cookieName": "gosessionid", "securityKey": %q, "blockKey": %q, "securityName": %q}`,
		b.securityKey, b.blockKey, b.securityName)
}

// encode returns the text of a cookie that is made now, before it is escaped.
func (b beegoSide) encode(t testing.TB, values map[any]any) string {
	t.Helper()
	encoded, err := session.EncodeGob(values)
	if err != nil {
		t.Fatal(err)
	}
	return b.seal(t, encoded)
}

// seal is encode for values that are encoded already.
func (b beegoSide) seal(t testing.TB, encoded []byte) string {
	t.Helper()
	gob := bytes.Clone(encoded)
	block, err := aes.NewCipher([]byte(b.blockKey))
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, block.BlockSize())
	_, _ = rand.Read(iv)
	cipher.NewCTR(block, iv).XORKeyStream(gob, gob)
	text := fmt.Sprintf("%s|%d|%s|", b.securityName, time.Now().UTC().Unix(),
		base64.URLEncoding.EncodeToString(append(iv, gob...)))
	mac := hmac.New(sha256.New, []byte(b.securityKey))
	mac.Write([]byte(text))
	signed := append([]byte(text), mac.Sum(nil)...)
	return base64.URLEncoding.EncodeToString(signed[len(b.securityName)+1:])
}

// A departed is of a type that beego's application had.
type departed struct{ N int }

// A fresh session would replace the cookie, and the visitor would be logged out for good.
func TestCookiesOfBeegoWithATypeThatIsNotKnownAreErrors(t *testing.T) {
	gob.RegisterName("the type departed", departed{})
	known, err := session.EncodeGob(map[any]any{"user": "ann", "value": departed{1}})
	if err != nil {
		t.Fatal(err)
	}
	unknown := bytes.ReplaceAll(known, []byte("the type departed"), []byte("a type of beego's"))
	m := newManager(t, theirs.config(), session.CfgBeego(true))
	if got := with(m, "gosessionid="+url.QueryEscape(theirs.seal(t, known))); got.user != "ann" {
		t.Errorf("the type is known: %+v", got)
	}
	if got := with(m, "gosessionid="+url.QueryEscape(theirs.seal(t, unknown))); got.status != 503 || got.cookies != 0 {
		t.Errorf("the type is not known: %+v, want 503 and no cookie", got)
	}
}

// cookie returns the Cookie header.
func (b beegoSide) cookie(t testing.TB, values map[any]any) string {
	t.Helper()
	return "gosessionid=" + url.QueryEscape(b.encode(t, values))
}

func (b beegoSide) browser(t testing.TB, values map[any]any) *browser {
	t.Helper()
	c := newBrowser(t)
	c.jar.take([]string{b.cookie(t, values) + "; Path=/; HttpOnly"}, false)
	return c
}

func TestCookiesOfBeegoAreOpenedAndSealedAnew(t *testing.T) {
	m := newManager(t, theirs.config(), session.CfgBeego(true))
	values := map[any]any{"user": "ann", "n": 42, 7: "seven", "roles": []string{"admin"}, "at": int64(1 << 40), "ok": true}
	for _, handled := range []bool{false, true} {
		t.Run(fmt.Sprintf("Handler=%t", handled), func(t *testing.T) {
			b := theirs.browser(t, values)
			before := b.jar.values()["gosessionid"]
			read := func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				if s.IsNew() || s.SessionID(r.Context()) == "" {
					t.Error("the session is a new one")
				}
				if again := start(t, m, w, r); again.SessionID(r.Context()) != s.SessionID(r.Context()) {
					t.Error("a second Start finds another session")
				}
			}
			if handled {
				read = m.Handler(http.HandlerFunc(read)).ServeHTTP
			}
			b.do(read)
			sealed := b.jar.values()["gosessionid"]
			if sealed == before || strings.Contains(sealed, "%") {
				t.Fatal("a request that only reads does not seal the session anew")
			}
			sid := b.sid(m)
			for key, want := range values {
				if got := b.value(m, key); fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", want, want) {
					t.Errorf("%v = %v, want %v", key, got, want)
				}
			}
			b.visit(m, func(s *session.Session) { set(t, s, "n", 43) })
			if b.value(m, "n") != 43 || b.sid(m) != sid {
				t.Error("after a change the session is another")
			}
			outside := newManager(t, theirs.config(), session.CfgCodec("gob"))
			if b.value(outside, "user") != "ann" {
				t.Error("what is sealed anew is not in this package's form")
			}
		})
	}
	t.Run("a change in the first request", func(t *testing.T) {
		b := theirs.browser(t, values)
		b.visit(m, func(s *session.Session) { set(t, s, "n", 1) })
		if b.value(m, "n") != 1 || b.value(m, "user") != "ann" {
			t.Error("a value is lost")
		}
	})
	t.Run("a logout", func(t *testing.T) {
		b := theirs.browser(t, values)
		b.do(m.SessionDestroy)
		if len(b.jar.cookies) != 0 {
			t.Error("the cookie is still there")
		}
	})
}

// beego's cookies have the path / and no domain, whatever the manager's config says. To a browser ours are others
// if they have another path or domain: then beego's must go, or it would be read again.
func TestCookiesOfBeegoElsewhereAreDeleted(t *testing.T) {
	for name, opts := range map[string][]session.ManagerConfigOpt{
		"domain":                 {session.CfgDomain("example.com")},
		"path":                   {session.CfgCookiePath("/app")},
		"path and domain":        {session.CfgCookiePath("/app"), session.CfgDomain("example.com"), session.CfgSecure(true)},
		"domain of the response": {session.CfgCookieAttributes(func(_ session.Exchange, c *http.Cookie) { c.Domain = "example.com" })},
		"no domain in the response": {
			session.CfgDomain("example.com"), session.CfgCookieAttributes(func(_ session.Exchange, c *http.Cookie) { c.Domain = "" }),
		},
	} {
		for _, handled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, Handler=%t", name, handled), func(t *testing.T) {
				m := newManager(t, theirs.config(), append(opts, session.CfgBeego(true))...)
				do := func(b *browser, use func(w http.ResponseWriter, r *http.Request)) {
					if handled {
						use = m.Handler(http.HandlerFunc(use)).ServeHTTP
					}
					b.do(use)
				}
				newBrowser := func() *browser {
					b := theirs.browser(t, map[any]any{"user": "ann"})
					b.scheme = "https"
					return b
				}
				b := newBrowser()
				for i := range 3 {
					do(b, func(w http.ResponseWriter, r *http.Request) {
						s := start(t, m, w, r)
						if n := s.Get(r.Context(), "n"); s.Get(r.Context(), "user") != "ann" || i > 0 && n != i-1 {
							t.Errorf("request %d: n = %v", i, n)
						}
						set(t, s, "n", i)
						set(t, s, "text", text(7000*(i%2)))
					})
				}
				if names := b.jar.names(""); len(names) != 1 {
					t.Errorf("cookies %v", names)
				}
				fresh := &browser{TB: t, jar: newJar(), scheme: "https"}
				if n := len(fresh.visit(m, func(s *session.Session) {}).Cookies()); n != 1 {
					t.Errorf("a new visitor gets %d cookies", n)
				}
				for what, b := range map[string]*browser{"later": b, "at once": newBrowser()} {
					do(b, m.SessionDestroy)
					if names := b.jar.names(""); len(names) != 0 {
						t.Errorf("a logout %s leaves %v", what, names)
					}
				}
			})
		}
	}
}

func TestCookiesOfBeegoNeedItsKeysAndTheMode(t *testing.T) {
	m := newManager(t, theirs.config(), session.CfgBeego(true))
	values := map[any]any{"user": "ann"}
	wantFresh(t, newManager(t, theirs.config()), theirs.cookie(t, values), "outside beego mode")
	wantFresh(t, newManager(t, theirs.config(), session.CfgCodec("gob")), theirs.cookie(t, values), "outside beego mode, with gob")
	for what, other := range map[string]beegoSide{
		"another securityKey":  {"beegocookiehashkez", theirs.blockKey, theirs.securityName},
		"another blockKey":     {theirs.securityKey, "0123456789abcdeF", theirs.securityName},
		"another securityName": {theirs.securityKey, theirs.blockKey, "beegocookies"},
	} {
		wantFresh(t, m, other.cookie(t, values), what)
	}
	for _, tt := range []struct{ field, config string }{
		{"securityKey", `{"keys": ["1234567890123456"], "blockKey": "0123456789abcdef", "securityName": "n"}`},
		{"securityKey", `{"blockKey": "0123456789abcdef", "securityName": "n"}`},
		{"blockKey", `{"securityKey": "1234567890123456", "securityName": "n"}`},
		{"blockKey", `{"securityKey": "1234567890123456", "blockKey": "short", "securityName": "n"}`},
		{"securityName", `{"securityKey": "1234567890123456", "blockKey": "0123456789abcdef"}`},
	} {
		_, err := session.New(cookie.New(), session.NewManagerConfig(session.CfgProviderConfig(tt.config), session.CfgBeego(true)))
		if wrong, ok := errors.AsType[*session.ConfigError](err); !ok || wrong.Field != "providerConfig."+tt.field {
			t.Errorf("%s: %v", tt.config, err)
		}
	}
}

func TestTamperedCookiesOfBeegoAreRefused(t *testing.T) {
	m := newManager(t, theirs.config(), session.CfgBeego(true))
	for _, more := range []string{"", "123", "123456"} { // base64 leaves none, two or four bits unused
		tamperBeego(t, m, theirs.encode(t, map[any]any{"user": "ann", "more": more}), theirs.encode(t, map[any]any{"user": "eve"}))
	}
}

func tamperBeego(t *testing.T, m *session.Manager, text, other string) {
	t.Helper()
	if got := with(m, "gosessionid="+url.QueryEscape(text)); got.user != "ann" || got.isNew {
		t.Fatalf("not opened: %+v", got)
	}
	refused := func(text, what string) {
		t.Helper()
		wantFresh(t, m, "gosessionid="+url.QueryEscape(text), what)
	}
	for i := range text {
		for bit := range 8 {
			bad := []byte(text)
			bad[i] ^= 1 << bit
			refused(string(bad), fmt.Sprintf("bit %d of byte %d flipped", bit, i))
		}
		refused(text[:i], fmt.Sprintf("the first %d bytes", i))
		if spliced := text[:i] + other[min(i, len(other)):]; spliced != text && spliced != other {
			refused(spliced, fmt.Sprintf("spliced at %d", i))
		}
	}
	refused(text+"\n", "a line break more")
	refused(text[:5]+"\n"+text[5:], "a line break within")
	for _, raw := range []string{"", "|", "||", "|||", "1|2", "1|2|3", strings.Repeat("|", 100)} {
		refused(base64.URLEncoding.EncodeToString([]byte(raw)), raw)
	}
	wantFresh(t, m, "gosessionid=%", "a broken escape")
	wantFresh(t, m, "gosessionid=%zz"+url.QueryEscape(text), "a broken escape in front")
	gob, err := session.EncodeGob(map[any]any{"user": "ann"})
	if err != nil {
		t.Fatal(err)
	}
	refused(base64.URLEncoding.EncodeToString(gob), "plain gob")
}

func TestCookiesOfBeegoExpire(t *testing.T) {
	values := map[any]any{"user": "ann"}
	browse(t, "idle", func(t *testing.T) {
		m := newManager(t, theirs.config(), session.CfgBeego(true), session.CfgMaxLifeTime(600))
		header := theirs.cookie(t, values)
		time.Sleep(10*time.Minute - time.Nanosecond)
		if got := with(m, header); got.user != "ann" {
			t.Errorf("before the deadline: %+v", got)
		}
		time.Sleep(time.Nanosecond)
		wantFresh(t, m, header, "at the deadline")
	})
	browse(t, "absolute", func(t *testing.T) {
		m := newManager(t, theirs.config(), session.CfgBeego(true), session.CfgMaxLifeTime(600),
			session.CfgAbsoluteLifetime(30*time.Minute), session.CfgTouchInterval(-1))
		b := theirs.browser(t, values)
		for range 5 {
			time.Sleep(5 * time.Minute)
			if b.value(m, "user") != "ann" {
				t.Fatal("gone in spite of its use")
			}
		}
		header := b.jar.header(false)
		time.Sleep(5*time.Minute - time.Nanosecond)
		if got := with(m, header); got.user != "ann" {
			t.Errorf("before the deadline: %+v", got)
		}
		time.Sleep(time.Nanosecond)
		wantFresh(t, m, header, "at the deadline")
	})
	t.Run("managers of one provider have their own lifetimes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := cookie.New()
			var managers []*session.Manager
			for _, seconds := range []int64{3600, 60} {
				m, err := session.New(p, session.NewManagerConfig(session.CfgProviderConfig(theirs.config()),
					session.CfgBeego(true), session.CfgMaxLifeTime(seconds)))
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				managers = append(managers, m)
			}
			header := theirs.cookie(t, values)
			time.Sleep(2 * time.Minute)
			if got := with(managers[0], header); got.user != "ann" {
				t.Errorf("an hour's: %+v", got)
			}
			wantFresh(t, managers[1], header, "a minute's")
		})
	})
}
