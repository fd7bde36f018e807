package cookie_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/cookie"
)

func TestBadConfig(t *testing.T) {
	for _, tt := range []struct{ name, config, field, says string }{
		{"none", ``, "securityKey", "0 bytes"},
		{"no key", `{}`, "securityKey", "0 bytes"},
		{"empty key", `{"securityKey": ""}`, "securityKey", "0 bytes"},
		{"15 bytes", `{"securityKey": "123456789012345"}`, "securityKey", "15 bytes"},
		{"no keys", `{"keys": []}`, "securityKey", "0 bytes"},
		{"one of keys is short", `{"keys": ["1234567890123456", "123456789012345"]}`, "keys", "key 2"},
		{"one of keys is empty", `{"keys": ["", "1234567890123456"]}`, "keys", "key 1"},
		{"twice", `{"keys": ["1234567890123456", "abcdefghijklmnop", "1234567890123456"]}`, "keys", "key 3"},
		{"both", `{"securityKey": "1234567890123456", "keys": ["abcdefghijklmnop"]}`, "securityKey", "either"},
		{"not replaced", `{"securityKey": "${SESSION_SECURITY_KEY}"}`, "securityKey", "ParseConfig"},
		{"one of keys is not replaced", `{"keys": ["1234567890123456", "${SESSION_SECURITY_KEY}"]}`, "keys", "ParseConfig"},
		{"no cookies", `{"securityKey": "1234567890123456", "maxCookies": 0}`, "maxCookies", "1 to 9"},
		{"less than none", `{"securityKey": "1234567890123456", "maxCookies": -1}`, "maxCookies", "1 to 9"},
		{"ten cookies", `{"securityKey": "1234567890123456", "maxCookies": 10}`, "maxCookies", "1 to 9"},
		{"unknown key", `{"securityKey": "1234567890123456", "sekure": true}`, "sekure", "unknown key"},
		{"wrong type", `{"securityKey": 1234567890123456}`, "securityKey", "string"},
		{"wrong type of secure", `{"securityKey": "1234567890123456", "secure": "yes"}`, "secure", "bool"},
		{"no JSON", `1234567890123456`, "", "JSON"},
		{"a path", `./tmp`, "", "JSON"},
		{"a cookie's name", `{"securityKey": "1234567890123456", "cookieName": "a b"}`, "cookieName", "letters"},
		{"a prefix", `{"securityKey": "1234567890123456", "cookieName": "__Host-a"}`, "cookieName", "the prefix needs secure"},
		{"a long age", `{"securityKey": "1234567890123456", "maxage": 34560001}`, "maxage", "400 days"},
		{"an age less than touchInterval", `{"securityKey": "1234567890123456", "maxage": 60}`, "", "touchInterval: 2m0s is not less"},
		{"an age", `{"securityKey": "1234567890123456", "maxage": -2}`, "maxage", "negative"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := session.New(cookie.New(), session.NewManagerConfig(session.CfgProviderConfig(tt.config),
				session.CfgTouchInterval(2*time.Minute)))
			wrong, ok := errors.AsType[*session.ConfigError](err)
			if m != nil || !ok {
				t.Fatalf("New = %v, %v", m, err)
			}
			field := "providerConfig"
			if tt.field != "" {
				field += "." + tt.field
			}
			if wrong.Field != field || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error of %q: %v; want one of %q that says %q", wrong.Field, err, field, tt.says)
			}
			for _, secret := range []string{"123456789012345", "abcdefghijklmnop"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows the key: %v", err)
				}
			}
		})
	}
	t.Run("encryptionKeys", func(t *testing.T) {
		_, err := session.New(cookie.New(), session.NewManagerConfig(session.CfgProviderConfig(oneKey),
			session.CfgEncryptionKeys("1234567890123456")))
		if wrong, ok := errors.AsType[*session.ConfigError](err); !ok || wrong.Field != "encryptionKeys" {
			t.Errorf("New = %v", err)
		}
	})
}

func TestShortestKey(t *testing.T) {
	m := newManager(t, `{"securityKey": "1234567890123456"}`)
	if seeded(t, m).value(m, "user") != "ann" {
		t.Error("the session is lost")
	}
}

// What beego's documentation gives to NewManager.
const documented = `{"cookieName":"gosessionid","enableSetCookie":false,"gclifetime":3600,"ProviderConfig":"{\"cookieName\":\"gosessionid\",\"securityKey\":\"beegocookiehashkey\"}"}`

func TestDocumentedConfig(t *testing.T) {
	cfg, err := session.ParseConfig([]byte(documented))
	if err != nil {
		t.Fatal(err)
	}
	m, err := session.NewManager("cookie", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	go m.GC()
	b := seeded(t, m)
	if got := b.jar.names(""); len(got) != 1 || got[0] != "gosessionid" {
		t.Errorf("cookies %v", got)
	}
	if got := b.value(m, "user"); got != "ann" {
		t.Errorf("user = %v", got)
	}
	b.do(m.SessionDestroy)
	if got := b.jar.names(""); len(got) != 0 {
		t.Errorf("cookies %v after the logout", got)
	}
}

func TestKeysOfBeego(t *testing.T) {
	for _, tt := range []struct {
		name, config string
		opts         []session.ManagerConfigOpt
		want         http.Cookie
	}{
		{
			"the manager's", oneKey,
			[]session.ManagerConfigOpt{session.CfgCookieName("a"), session.CfgCookieLifeTime(60)},
			http.Cookie{Name: "a", MaxAge: 60},
		},
		{"cookieName", `{"securityKey": "a secret of the tests", "cookieName": "b"}`, nil, http.Cookie{Name: "b"}},
		{"in any case", `{"SecurityKey": "a secret of the tests", "COOKIENAME": "b"}`, nil, http.Cookie{Name: "b"}},
		{"secure", `{"securityKey": "a secret of the tests", "secure": true}`, nil, http.Cookie{Name: "gosessionid", Secure: true}},
		{
			"secure is no less", `{"securityKey": "a secret of the tests", "secure": false}`,
			[]session.ManagerConfigOpt{session.CfgSecure(true)},
			http.Cookie{Name: "gosessionid", Secure: true},
		},
		{
			"maxage", `{"securityKey": "a secret of the tests", "maxage": 3600}`,
			[]session.ManagerConfigOpt{session.CfgCookieLifeTime(60)},
			http.Cookie{Name: "gosessionid", MaxAge: 3600},
		},
		{
			"maxage of a browser session", `{"securityKey": "a secret of the tests", "maxage": -1}`,
			[]session.ManagerConfigOpt{session.CfgCookieLifeTime(60)},
			http.Cookie{Name: "gosessionid"},
		},
		{
			"all", `{"cookieName": "__Host-b", "secure": true, "maxage": 1, "securityKey": "a secret of the tests", "securityName": "beego", "blockKey": "beego"}`,
			nil,
			http.Cookie{Name: "__Host-b", Secure: true, MaxAge: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newManager(t, tt.config, tt.opts...)
			w := httptest.NewRecorder()
			sid := start(t, m, w, httptest.NewRequest("GET", "/", nil)).SessionID(t.Context())
			lines := w.Header()["Set-Cookie"]
			if len(lines) != 1 {
				t.Fatalf("%d cookies", len(lines))
			}
			got, err := http.ParseSetCookie(lines[0])
			if err != nil || got.Name != tt.want.Name || got.MaxAge != tt.want.MaxAge || got.Secure != tt.want.Secure ||
				!got.HttpOnly || got.Path != "/" {
				t.Errorf("%v, %v", lines, err)
			}
			b := newBrowser(t)
			b.scheme = "https"
			b.jar.take(lines, true)
			if b.sid(m) != sid || len(b.jar.names("")) != 1 {
				t.Error("the cookie is not read")
			}
		})
	}
}

func TestKeyRotation(t *testing.T) {
	const k1, k2, k3 = "the first key of all", "the second key of all", "the third key of all"
	config := func(keys ...string) string { return fmt.Sprintf(`{"keys": ["%s"]}`, strings.Join(keys, `", "`)) }
	t.Run("with overlap, on three nodes", func(t *testing.T) {
		// First the new key opens everywhere, then it seals everywhere, then the old one goes.
		nodes := []*session.Manager{
			newManager(t, config(k1, k2)),
			newManager(t, config(k2, k1)),
			newManager(t, config(k3, k2, k1)),
		}
		b := seeded(t, nodes[0])
		for i := range 30 {
			// The third node's seals are opened by those that have its key.
			from, to := nodes[i%2], nodes[(i+1)%2]
			b.visit(from, func(s *session.Session) { set(t, s, "n", i) })
			if b.value(to, "n") != i || b.value(to, "user") != "ann" {
				t.Fatalf("round %d: lost", i)
			}
			third := &browser{TB: t, jar: &jar{cookies: slices.Clone(b.jar.cookies)}}
			if third.value(nodes[2], "n") != i {
				t.Fatalf("round %d: the third node does not open what the others seal", i)
			}
		}
		third := seeded(t, nodes[2])
		for _, m := range nodes[:2] {
			wantFresh(t, m, third.jar.header(false), "sealed under a key that is not known yet")
		}
	})
	t.Run("the first seals", func(t *testing.T) {
		b := seeded(t, newManager(t, config(k1)))
		overlap := newManager(t, config(k2, k1))
		b.visit(overlap, func(s *session.Session) { set(t, s, "n", 1) })
		after := newManager(t, config(k2))
		if b.value(after, "user") != "ann" {
			t.Error("the new key does not open")
		}
		wantFresh(t, newManager(t, config(k1)), b.jar.header(false), "sealed under the new key")
	})
	t.Run("a key that is removed", func(t *testing.T) {
		b := seeded(t, newManager(t, config(k1)))
		wantFresh(t, newManager(t, config(k2, k3)), b.jar.header(false), "the old key")
	})
	t.Run("from securityKey to keys and back", func(t *testing.T) {
		one := newManager(t, fmt.Sprintf(`{"securityKey": %q}`, k1))
		b := seeded(t, one)
		list := newManager(t, config(k2, k1))
		if b.value(list, "user") != "ann" {
			t.Error("keys do not open what securityKey has sealed")
		}
		b = seeded(t, newManager(t, config(k1)))
		if b.value(one, "user") != "ann" {
			t.Error("securityKey does not open what keys have sealed")
		}
	})
}
