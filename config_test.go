package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// settingForms says each setting as JSON and as an option, with a value that is not the default.
var settingForms = []struct {
	field string // of ManagerConfig
	json  string // a member; "" if JSON cannot say it
	opt   ManagerConfigOpt
}{
	{"EnableSetCookie", `"enableSetCookie": false`, CfgSetCookie(false)},
	{"DisableHTTPOnly", `"disableHTTPOnly": true`, CfgHTTPOnly(false)},
	{"Secure", `"secure": true`, CfgSecure(true)},
	{"EnableSidInHTTPHeader", `"EnableSidInHTTPHeader": true`, CfgSessionIdInHTTPHeader(true)},
	{"EnableSidInURLQuery", `"EnableSidInURLQuery": true`, CfgEnableSidInURLQuery(true)},
	{"CookieName", `"cookieName": "a"`, CfgCookieName("a")},
	{"Gclifetime", `"gclifetime": 60`, CfgGcLifeTime(60)},
	{"Maxlifetime", `"maxLifetime": 61`, CfgMaxLifeTime(61)},
	{"CookieLifeTime", `"cookieLifeTime": 62`, CfgCookieLifeTime(62)},
	{"ProviderConfig", `"providerConfig": "127.0.0.1:6379,100"`, CfgProviderConfig("127.0.0.1:6379,100")},
	{"Domain", `"domain": "example.com"`, CfgDomain("example.com")},
	{"SessionIDLength", `"sessionIDLength": 32`, CfgSessionIdLength(32)},
	{"SessionNameInHTTPHeader", `"SessionNameInHTTPHeader": "X-S"`, CfgSetSessionNameInHTTPHeader("X-S")},
	{"SessionIDPrefix", `"sessionIDPrefix": "p_"`, CfgSessionIdPrefix("p_")},
	{"CookieSameSite", `"cookieSameSite": 3`, CfgSameSite(http.SameSiteStrictMode)},
	{"Provider", `"provider": "memory"`, CfgProvider("memory")},
	{"CookiePath", `"cookiePath": "/app"`, CfgCookiePath("/app")},
	{"CrossSiteCookies", `"crossSiteCookies": true`, CfgCrossSiteCookies(true)},
	{"Partitioned", `"partitioned": true`, CfgPartitioned(true)},
	{"AbsoluteLifetime", `"absoluteLifetime": "12h"`, CfgAbsoluteLifetime(12 * time.Hour)},
	{"TouchInterval", `"touchInterval": 1.5`, CfgTouchInterval(1500 * time.Millisecond)},
	{"MarkLifetime", `"markLifetime": "90s"`, CfgMarkLifetime(90 * time.Second)},
	{"SweepInterval", `"sweepInterval": "5m"`, CfgSweepInterval(5 * time.Minute)},
	{"OpTimeout", `"opTimeout": 2`, CfgOpTimeout(2 * time.Second)},
	{"MaxBytes", `"maxBytes": 4096`, CfgMaxBytes(4096)},
	{"MaxPerUser", `"maxPerUser": 3`, CfgMaxPerUser(3)},
	{"OnLimit", `"onLimit": "refuse"`, CfgOnLimit("refuse")},
	{"Lazy", `"lazy": true`, CfgLazy(true)},
	{"Codec", `"codec": "gob"`, CfgCodec("gob")},
	{"EncryptionKeys", `"encryptionKeys": ["k1", "k2"]`, CfgEncryptionKeys("k1", "k2")},
	{"Namespace", `"namespace": "n"`, CfgNamespace("n")},
	{"Beego", `"beego": true`, CfgBeego(true)},
	{"DisableCacheHeaders", `"disableCacheHeaders": true`, CfgDisableCacheHeaders(true)},
	{"TrustedProxies", `"trustedProxies": ["10.0.0.0/8"]`, CfgTrustedProxies("10.0.0.0/8")},
	{"SessionIDGenerator", "", CfgSessionIDGenerator(func(Exchange) (string, error) { return "", nil })},
	{"CookieAttributes", "", CfgCookieAttributes(func(Exchange, *http.Cookie) {})},
	{"CookieEncode", "", CfgCookieEncode(func(string, any) (string, error) { return "", nil })},
	{"CookieDecode", "", CfgCookieDecode(func(string, string, any) error { return nil })},
	{"Logger", "", CfgLogger(slog.New(slog.DiscardHandler))},
	{"ErrorHandler", "", CfgErrorHandler(func(http.ResponseWriter, *http.Request, error) {})},
	{"OnCreate", "", CfgOnCreate(func(context.Context, Event) {})},
	{"OnRegenerate", "", CfgOnRegenerate(func(context.Context, Event) {})},
	{"OnDestroy", "", CfgOnDestroy(func(context.Context, Event) {})},
	{"OnConflict", "", CfgOnConflict(func(context.Context, Event) {})},
}

// The options that beego does not have say the same as those whose names and units are beego's.
func TestModernOptions(t *testing.T) {
	for name, tt := range map[string]struct{ modern, beego ManagerConfigOpt }{
		"idle":              {CfgIdleLifetime(90 * time.Minute), CfgMaxLifeTime(5400)},
		"idle, rounded":     {CfgIdleLifetime(1500 * time.Millisecond), CfgMaxLifeTime(2)},
		"idle, default":     {CfgIdleLifetime(0), CfgMaxLifeTime(0)},
		"idle, longest":     {CfgIdleLifetime(maxLifetime), CfgMaxLifeTime(int64(maxLifetime / time.Second))},
		"cookie":            {CfgCookieMaxAge(24 * time.Hour), CfgCookieLifeTime(86400)},
		"cookie, until end": {CfgCookieMaxAge(0), CfgCookieLifeTime(0)},
		"header":            {CfgSessionHeader("X-Session"), both(CfgSessionIdInHTTPHeader(true), CfgSetSessionNameInHTTPHeader("X-Session"))},
		"no header":         {CfgSessionHeader(""), both(CfgSessionIdInHTTPHeader(false), CfgSetSessionNameInHTTPHeader(""))},
	} {
		if got, want := NewManagerConfig(tt.modern), NewManagerConfig(tt.beego); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
	for field, opt := range map[string]ManagerConfigOpt{
		"maxLifetime": CfgIdleLifetime(-time.Millisecond), "cookieLifeTime": CfgCookieMaxAge(-time.Millisecond),
	} {
		_, err := NewManagerConfig(opt).resolve()
		if wrong, ok := errors.AsType[*ConfigError](err); !ok || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func both(a, b ManagerConfigOpt) ManagerConfigOpt {
	return func(c *ManagerConfig) { c.Opts(a, b) }
}

func TestEveryFieldHasKeyAndOption(t *testing.T) {
	fields := reflect.TypeFor[ManagerConfig]()
	if len(settingForms) != fields.NumField() {
		t.Errorf("settingForms has %d entries for %d fields", len(settingForms), fields.NumField())
	}
	var keys, tags []string
	for _, f := range configFields {
		keys = append(keys, f.key)
	}
	for i := range fields.NumField() {
		if tag := fields.Field(i).Tag.Get("json"); tag != "-" {
			tags = append(tags, tag)
		}
	}
	if !reflect.DeepEqual(keys, tags) {
		t.Errorf("configFields has the keys\n%q, ManagerConfig the tags\n%q", keys, tags)
	}
	for i, tt := range settingForms {
		if i < fields.NumField() && fields.Field(i).Name != tt.field {
			t.Errorf("settingForms has %s where the field is %s", tt.field, fields.Field(i).Name)
		}
	}
}

func TestJSONAndOptionsAgree(t *testing.T) {
	for _, tt := range settingForms {
		t.Run(tt.field, func(t *testing.T) {
			byOption := NewManagerConfig(tt.opt)
			if got := changedFields(NewManagerConfig(), byOption); !reflect.DeepEqual(got, []string{tt.field}) {
				t.Fatalf("the option changes %v", got)
			}
			if tt.json == "" {
				return
			}
			for _, text := range []string{"{" + tt.json + "}", strings.ToUpper("{"+tt.json[:3]) + tt.json[3:] + "}"} {
				byJSON := mustParseConfig(t, text)
				if !reflect.DeepEqual(byJSON, byOption) {
					t.Errorf("ParseConfig(%s)\n got %+v\nwant %+v", text, byJSON, byOption)
				}
			}
			testMarshal(t, byOption)
		})
	}
}

// changedFields names the fields in which a and b differ.
func changedFields(a, b *ManagerConfig) (names []string) {
	va, vb := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range va.NumField() {
		if !reflect.DeepEqual(va.Field(i).Interface(), vb.Field(i).Interface()) {
			names = append(names, va.Type().Field(i).Name)
		}
	}
	return names
}

// A key for what only Go code can say is told apart from a slip.
func TestParseConfigGoOnly(t *testing.T) {
	for _, tt := range settingForms {
		if tt.json != "" {
			continue
		}
		for _, key := range []string{tt.field, strings.ToLower(tt.field)} {
			_, err := ParseConfig([]byte(`{"` + key + `": null}`))
			wantConfigError(t, err, tt.field, "can be set only in Go code: set ManagerConfig."+tt.field+" (line 1, column 2)")
		}
	}
}

func testMarshal(t *testing.T, want *ManagerConfig) {
	t.Helper()
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got := new(ManagerConfig)
	if err := json.Unmarshal(data, got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("after Marshal and Unmarshal: %+v, %v; want %+v", got, err, want)
	}
}

func mustParseConfig(t *testing.T, text string) *ManagerConfig {
	t.Helper()
	c, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatalf("ParseConfig(%s): %v", text, err)
	}
	return c
}

func TestOpts(t *testing.T) {
	c := NewManagerConfig(CfgCookieName("a"), nil, CfgCookieName("b"))
	if c.CookieName != "b" || !c.EnableSetCookie {
		t.Errorf("got %+v", c)
	}
	keys := []string{"k"}
	c.Opts(CfgEncryptionKeys(keys...), CfgHTTPOnly(true))
	keys[0] = "changed"
	if c.EncryptionKeys[0] != "k" || c.DisableHTTPOnly {
		t.Error("the config holds the caller's slice, or CfgHTTPOnly(true) disables")
	}
}

func TestBeegoDocumentedConfigs(t *testing.T) {
	tests := []struct{ text, want string }{
		{
			`{"cookieName":"gosessionid","gclifetime":3600}`,
			"ManagerConfig[enableSetCookie=true cookieName=gosessionid gclifetime=3600]",
		},
		{
			`{"cookieName":"gosessionid", "enableSetCookie,omitempty": true, "gclifetime":3600, "maxLifetime": 3600, "secure": false, "cookieLifeTime": 3600, "providerConfig": ""}`,
			"ManagerConfig[enableSetCookie=true cookieName=gosessionid gclifetime=3600 maxLifetime=3600 cookieLifeTime=3600]",
		},
		{
			`{"cookieName":"gosessionid","gclifetime":3600,"ProviderConfig":"./tmp"}`,
			"ManagerConfig[enableSetCookie=true cookieName=gosessionid gclifetime=3600 providerConfig=***]",
		},
		{
			`{"cookieName":"gosessionid","gclifetime":3600,"ProviderConfig":"username:password@protocol(address)/dbname?param=value"}`,
			"ManagerConfig[enableSetCookie=true cookieName=gosessionid gclifetime=3600 providerConfig=***]",
		},
		{
			`{"cookieName":"gosessionid","gclifetime":3600,"ProviderConfig":"127.0.0.1:6379,100,astaxie"}`,
			"ManagerConfig[enableSetCookie=true cookieName=gosessionid gclifetime=3600 providerConfig=***]",
		},
		{
			`{"cookieName":"gosessionid","enableSetCookie":false,"gclifetime":3600,"ProviderConfig":"{\"cookieName\":\"gosessionid\",\"securityKey\":\"beegocookiehashkey\"}"}`,
			"ManagerConfig[cookieName=gosessionid gclifetime=3600 providerConfig=***]",
		},
	}
	for _, tt := range tests {
		c := mustParseConfig(t, tt.text)
		if got := c.String(); got != tt.want {
			t.Errorf("ParseConfig(%s)\n got %s\nwant %s", tt.text, got, tt.want)
		}
		if _, err := c.resolve(); err != nil {
			t.Errorf("ParseConfig(%s): %v", tt.text, err)
		}
	}
}

func TestParseConfigForms(t *testing.T) {
	tests := []struct {
		name, text string
		opt        ManagerConfigOpt
	}{
		{"nothing", `{}`, nil},
		{"byte order mark", "\uFEFF{}", nil},
		{"null is absent", `{"enableSetCookie": null, "gclifetime": null, "encryptionKeys": null}`, nil},
		{"empty list", `{"trustedProxies": []}`, nil},
		{"beego's tag as key", `{"ENABLESETCOOKIE,omitempty": false}`, CfgSetCookie(false)},
		{"seconds as words", `{"gclifetime": "1h30m"}`, CfgGcLifeTime(5400)},
		{"seconds with a point", `{"maxLifetime": 60.0}`, CfgMaxLifeTime(60)},
		{"cookie seconds as words", `{"cookieLifeTime": "24h"}`, CfgCookieLifeTime(86400)},
		{"cookie until the browser closes", `{"cookieLifeTime": -1}`, CfgCookieLifeTime(-1)},
		{"duration as number", `{"absoluteLifetime": 3600}`, CfgAbsoluteLifetime(time.Hour)},
		{"negative duration", `{"touchInterval": -1}`, CfgTouchInterval(-time.Second)},
		{"same site by number", `{"cookieSameSite": 2}`, CfgSameSite(http.SameSiteLaxMode)},
		{"same site by word", `{"cookieSameSite": "Strict"}`, CfgSameSite(http.SameSiteStrictMode)},
		{"same site none", `{"cookieSameSite": "NONE"}`, CfgSameSite(http.SameSiteNoneMode)},
		{"same site default", `{"cookieSameSite": "default"}`, CfgSameSite(http.SameSiteDefaultMode)},
		{"same site lax", `{"cookieSameSite": "lax"}`, CfgSameSite(http.SameSiteLaxMode)},
		{
			"provider config as object", `{"providerConfig": { "addr": "a:1", "db": [ 1 ] }}`,
			CfgProviderConfig(`{"addr":"a:1","db":[1]}`),
		},
		{
			"provider config as text of an object", `{"providerConfig": "{ \"addr\": 1 }"}`,
			CfgProviderConfig(`{ "addr": 1 }`),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := mustParseConfig(t, tt.text), NewManagerConfig(tt.opt); !reflect.DeepEqual(got, want) {
				t.Errorf("ParseConfig(%s)\n got %#v\nwant %#v", tt.text, got, want)
			}
		})
	}
}

// configCanary stands for a secret in the tests of error texts.
const configCanary = "s3cr3t-canary"

func TestParseConfigErrors(t *testing.T) {
	tests := []struct {
		name, text, field, want string
	}{
		{"no text", ``, "json", "the JSON text is cut off (line 1, column 1)"},
		{"cut off", `{"providerConfig": "s3cr3t-canary`, "json", "the JSON text is cut off (line 1, column 33)"},
		{"no comma", "{\n  \"cookieName\": \"s3cr3t-canary\"\n  \"secure\": true\n}", "json", "not JSON (line 3, column 3)"},
		{"comma at the end", "{\"secure\": true,\n}", "json", "not JSON (line 2, column 1)"},
		{"column counts characters", `{"domain": "äöü", s3cr3t-canary}`, "json", "not JSON (line 1, column 19)"},
		{"trailing garbage", `{} s3cr3t-canary`, "json", "not JSON (line 1, column 4)"},
		{"no object", `"s3cr3t-canary"`, "json", "want a JSON object"},
		{"null", `null`, "json", "want a JSON object"},
		{"number beyond float64", `1e999`, "json", "want a JSON object"},
		{"not UTF-8", "{\"domain\": \"s3cr3t-canary\xff\"}", "json", "the text is not UTF-8"},
		{
			"slip", "{\n\t\"cookie_name\": \"s3cr3t-canary\"\n}", "cookie_name",
			"unknown key (line 2, column 2); did you mean cookieName?",
		},
		{
			"unknown key", `{"nonsense": "s3cr3t-canary"}`, "nonsense",
			"unknown key (line 1, column 2); the keys are enableSetCookie, disableHTTPOnly, secure, ",
		},
		{"of beego 1", `{"sessionIDHashFunc": "s3cr3t-canary"}`, "sessionIDHashFunc", "no effect since beego 2: remove it (line 1, column 2)"},
		{"of beego 1 too", `{"SessionIdHashKey": null}`, "SessionIdHashKey", "no effect since beego 2: remove it"},
		{"unknown null", `{"nonsense": null}`, "nonsense", "unknown key"},
		{"odd key", `{"a\nb": 1}`, `a\nb`, "unknown key"},
		{"long key", `{"` + strings.Repeat("k", 1000) + `": 1}`, strings.Repeat("k", 64) + "…", "unknown key"},
		{
			"given twice", `{"cookieName": "s3cr3t-canary", "CookieName": "b"}`, "cookieName",
			"given twice (line 1, column 33)",
		},
		{
			"given twice by beego's tag", `{"enableSetCookie": true, "enableSetCookie,omitempty": true}`,
			"enableSetCookie", "given twice",
		},
		{"given twice as null", `{"secure": null, "secure": true}`, "secure", "given twice"},
		{"string for bool", `{"secure": "s3cr3t-canary"}`, "secure", "want true or false (line 1, column 2)"},
		{"string for number", `{"SESSIONIDLENGTH": "s3cr3t-canary"}`, "sessionIDLength", "want a whole number"},
		{"fraction", `{"maxBytes": 1.5}`, "maxBytes", "want a whole number"},
		{"number too large", `{"maxBytes": 99999999999999999999}`, "maxBytes", "want a whole number"},
		{"number for string", `{"cookieName": 1}`, "cookieName", "want a string"},
		{"list for provider config", `{"providerConfig": ["s3cr3t-canary"]}`, "providerConfig", "want a string or an object"},
		{"string for list", `{"encryptionKeys": "s3cr3t-canary"}`, "encryptionKeys", "want a list of strings"},
		{"null in list", `{"encryptionKeys": ["s3cr3t-canary", null]}`, "encryptionKeys", "want a list of strings"},
		{"no duration", `{"opTimeout": "s3cr3t-canary"}`, "opTimeout", `want a number of seconds without quotes, or a string such as "12h"`},
		{"days", `{"absoluteLifetime": "30d"}`, "absoluteLifetime", `or "720h" for 30 days`},
		{"days for whole seconds", `{"maxLifetime": "30d"}`, "maxLifetime", `or "720h" for 30 days`},
		{"bool for duration", `{"opTimeout": true}`, "opTimeout", "want a number of seconds"},
		{"object for duration", `{"opTimeout": {}}`, "opTimeout", "want a number of seconds"},
		{"number without unit in a string", `{"opTimeout": "5"}`, "opTimeout", "want a number of seconds"},
		{"duration too long", `{"opTimeout": 9999999999999}`, "opTimeout", "want a number of seconds"},
		{"half a second", `{"gclifetime": "1500ms"}`, "gclifetime", "want a whole number of seconds without quotes, or a string"},
		{"part of a second", `{"cookieLifeTime": 0.5}`, "cookieLifeTime", "want a whole number of seconds without quotes, or a string"},
		{"same site word", `{"cookieSameSite": "s3cr3t-canary"}`, "cookieSameSite", `want "lax", "strict", "none", "default"`},
		{"same site list", `{"cookieSameSite": []}`, "cookieSameSite", `want "lax"`},
		{
			"unset variable", `{"providerConfig": "s3cr3t-canary ${SESSION_TEST_UNSET}"}`, "providerConfig",
			"environment variable SESSION_TEST_UNSET is not set",
		},
		{
			"unset variable in key", `{"encryptionKeys": ["s3cr3t-canary", "${SESSION_TEST_UNSET}"]}`, "encryptionKeys",
			"environment variable SESSION_TEST_UNSET is not set",
		},
		{
			"missing file", `{"providerConfig": {"password": "${file:/nonexistent/s}", "user": "s3cr3t-canary"}}`,
			"providerConfig", "open /nonexistent/s: ",
		},
		{"variable without end", `{"providerConfig": "${s3cr3t-canary"}`, "providerConfig", "want the name of an environment"},
		{"variable without name", `{"providerConfig": "s3cr3t-canary${}"}`, "providerConfig", "want the name of an environment"},
		{"no name of a variable", `{"providerConfig": "pa${s3cr3t-canary}"}`, "providerConfig", "write $${ for ${ itself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := ParseConfig([]byte(tt.text))
			if c != nil {
				t.Errorf("got a config: %v", c)
			}
			wantConfigError(t, err, tt.field, tt.want)
		})
	}
}

// wantConfigError checks the field, how the text begins or ends, and that it shows no secret.
func wantConfigError(t *testing.T, err error, field, want string) {
	t.Helper()
	ce, ok := errors.AsType[*ConfigError](err)
	if !ok {
		t.Fatalf("got %v; want a *ConfigError", err)
	}
	if ce.Field != field || !strings.Contains(ce.Err.Error(), want) {
		t.Errorf("got  %s: %v\nwant %s: %s", ce.Field, ce.Err, field, want)
	}
	if strings.Contains(err.Error(), configCanary) {
		t.Errorf("the error shows a value: %v", err)
	}
}

func TestExpansion(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("from \"file\"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inJSON := func(text string) string {
		data, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	t.Setenv("SESSION_TEST_A", `a"b\c`)
	t.Setenv("SESSION_TEST_EMPTY", "")
	tests := []struct{ name, text, want string }{
		{"string", `"redis:${SESSION_TEST_A}@host"`, `redis:a"b\c@host`},
		{"twice", `"${SESSION_TEST_A}${SESSION_TEST_A}"`, `a"b\ca"b\c`},
		{"empty variable", `"<${SESSION_TEST_EMPTY}>"`, "<>"},
		{"file", inJSON("${file:" + secret + "}!"), `from "file"!`},
		{"literal", `"$${SESSION_TEST_A} $$ $ {} $"`, "${SESSION_TEST_A} $$ $ {} $"},
		{
			"object", `{"p": "${SESSION_TEST_A}", "${k}": ["${SESSION_TEST_A}", "\"$${", 1, {}]}`,
			`{"p":"a\"b\\c","${k}":["a\"b\\c","\"${",1,{}]}`,
		},
		{"text of an object", inJSON(`{"${k}" : "${SESSION_TEST_A}"}`), `{"${k}" : "a\"b\\c"}`},
		{"text like an object", `"{${SESSION_TEST_A}"`, `{a"b\c`},
		{"object without variables", `{"p":"\u003c<"}`, `{"p":"\u003c<"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mustParseConfig(t, `{"providerConfig": `+tt.text+`}`)
			if c.ProviderConfig != tt.want {
				t.Errorf("got %s, want %s", c.ProviderConfig, tt.want)
			}
		})
	}

	t.Run("keys", func(t *testing.T) {
		c := mustParseConfig(t, `{"encryptionKeys": ["${SESSION_TEST_A}", "$${"]}`)
		if want := []string{`a"b\c`, "${"}; !reflect.DeepEqual(c.EncryptionKeys, want) {
			t.Errorf("got %q, want %q", c.EncryptionKeys, want)
		}
	})
	t.Run("other settings are left alone", func(t *testing.T) {
		if c := mustParseConfig(t, `{"namespace": "${SESSION_TEST_A}"}`); c.Namespace != "${SESSION_TEST_A}" {
			t.Errorf("got %q", c.Namespace)
		}
	})
	t.Run("secret that JSON cannot hold", func(t *testing.T) {
		t.Setenv("SESSION_TEST_A", configCanary+"\xff")
		_, err := ParseConfig([]byte(`{"providerConfig": {"p": "${SESSION_TEST_A}"}}`))
		wantConfigError(t, err, "providerConfig", "not UTF-8")
	})
}

func TestUnmarshalJSON(t *testing.T) {
	t.Run("absent keys leave fields alone", func(t *testing.T) {
		c := ManagerConfig{CookieName: "a", Lazy: true}
		if err := json.Unmarshal([]byte(` {"gclifetime": 5, "providerConfig": "${SESSION_TEST_UNSET}"} `), &c); err != nil {
			t.Fatal(err)
		}
		want := ManagerConfig{CookieName: "a", Lazy: true, Gclifetime: 5, ProviderConfig: "${SESSION_TEST_UNSET}"}
		if !reflect.DeepEqual(c, want) {
			t.Errorf("got %+v, want %+v", c, want)
		}
	})
	t.Run("null", func(t *testing.T) {
		c := ManagerConfig{CookieName: "a"}
		if err := json.Unmarshal([]byte("null"), &c); err != nil || c.CookieName != "a" {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("an error changes nothing", func(t *testing.T) {
		keys := []string{"k"}
		c := ManagerConfig{CookieName: "a", EncryptionKeys: keys}
		err := json.Unmarshal([]byte(`{"cookieName": "b", "encryptionKeys": ["l"], "secure": 1}`), &c)
		wantConfigError(t, err, "secure", "want true or false")
		if want := (ManagerConfig{CookieName: "a", EncryptionKeys: []string{"k"}}); !reflect.DeepEqual(c, want) {
			t.Errorf("got %#v, want %#v", c, want)
		}
	})
	t.Run("in another struct", func(t *testing.T) {
		var app struct{ Session ManagerConfig }
		err := json.Unmarshal([]byte(`{"session": {"secure": true, "maxlifetime": "1h"}}`), &app)
		if err != nil || !app.Session.Secure || app.Session.Maxlifetime != 3600 {
			t.Errorf("got %+v, %v", app, err)
		}
	})
}

func TestLoadConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session.json")
	if _, err := LoadConfig(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"cookieName": "a"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := LoadConfig(path); err != nil || c.CookieName != "a" {
		t.Errorf("got %v, %v", c, err)
	}
	if err := os.WriteFile(path, []byte(`{"secure": "s3cr3t-canary"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadConfig(path)
	wantConfigError(t, err, "secure", "want true or false")
	if !strings.Contains(err.Error(), path) {
		t.Errorf("the error does not name the file: %v", err)
	}
}

func TestDefaults(t *testing.T) {
	s, err := NewManagerConfig().resolve()
	if err != nil {
		t.Fatal(err)
	}
	want := &settings{
		ManagerConfig: ManagerConfig{
			EnableSetCookie: true, CookieName: "gosessionid", Gclifetime: 3600, Maxlifetime: 3600,
			SessionIDLength: 16, CookieSameSite: http.SameSiteLaxMode, CookiePath: "/",
			TouchInterval: time.Minute, MarkLifetime: time.Minute, OpTimeout: 5 * time.Second, MaxBytes: 1 << 20, OnLimit: "evict",
			Codec: "compact",
		},
		gcEvery: time.Hour, idle: time.Hour, touchEvery: time.Minute, markFor: time.Minute, opTimeout: 5 * time.Second,
		maxBytes: 1 << 20, sidBytes: 16,
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

func TestResolve(t *testing.T) {
	tests := []struct {
		name string
		opts []ManagerConfigOpt
		got  func(s *settings) any
		want any
	}{
		{"maxLifetime follows gclifetime", options(CfgGcLifeTime(60)), func(s *settings) any { return s.idle }, time.Minute},
		{"touchInterval is a twentieth", options(CfgMaxLifeTime(60)), func(s *settings) any { return s.touchEvery }, 3 * time.Second},
		{"markLifetime is a minute", options(), func(s *settings) any { return s.markFor }, time.Minute},
		{"markLifetime not at all", options(CfgMarkLifetime(-1)), func(s *settings) any { return s.markFor }, time.Duration(0)},
		{"touchInterval at every request", options(CfgTouchInterval(-1)), func(s *settings) any { return s.touchEvery }, time.Duration(0)},
		{"absoluteLifetime", options(CfgAbsoluteLifetime(time.Hour)), func(s *settings) any { return s.absolute }, time.Hour},
		{"cookie until the browser closes", options(CfgCookieLifeTime(-1)), func(s *settings) any { return s.cookieMaxAge }, 0},
		{"cookie for 400 days", options(CfgCookieLifeTime(34560000)), func(s *settings) any { return s.cookieMaxAge }, 34560000},
		{"sweepInterval", options(CfgSweepInterval(time.Minute), CfgGcLifeTime(60*60*2)), func(s *settings) any { return s.gcEvery }, time.Minute},
		{"sweepInterval is no lifetime", options(CfgSweepInterval(time.Minute)), func(s *settings) any { return s.idle }, time.Hour},
		{"gclifetime is a lifetime", options(CfgSweepInterval(time.Minute), CfgGcLifeTime(60*60*2)), func(s *settings) any { return s.idle }, 2 * time.Hour},
		{"longest lifetime", options(CfgMaxLifeTime(3153600000)), func(s *settings) any { return s.idle }, 3153600000 * time.Second},
		{"default same site is lax", options(CfgSameSite(http.SameSiteDefaultMode)), func(s *settings) any { return s.CookieSameSite }, http.SameSiteLaxMode},
		{"same site none", options(CfgSameSite(http.SameSiteNoneMode), CfgSecure(true)), func(s *settings) any { return s.CookieSameSite }, http.SameSiteNoneMode},
		{"header name in any case", options(CfgSessionIdInHTTPHeader(true), CfgSetSessionNameInHTTPHeader("x-session")), func(s *settings) any { return s.headerName }, "X-Session"},
		{"header off", options(CfgSetSessionNameInHTTPHeader("not a name")), func(s *settings) any { return s.headerName }, ""},
		{"prefix is namespace", options(CfgSessionIdPrefix("app-1_x.")), func(s *settings) any { return s.Namespace }, "app-1_x."},
		{"namespace", options(CfgSessionIdPrefix("a"), CfgNamespace("b ü")), func(s *settings) any { return s.Namespace }, "b ü"},
		{"longest namespace", options(CfgNamespace(strings.Repeat("n", 128))), func(s *settings) any { return len(s.Namespace) }, 128},
		{"sid of 64 bytes", options(CfgSessionIdLength(64)), func(s *settings) any { return s.sidBytes }, 64},
		{"beego", options(CfgBeego(true)), func(s *settings) any { return s.Codec }, "gob"},
		{"leading dot", options(CfgDomain(".example.com")), func(s *settings) any { return s.Domain }, "example.com"},
		{"longest path", options(CfgCookiePath("/" + strings.Repeat("p", 1023))), func(s *settings) any { return len(s.CookiePath) }, 1024},
		{"no channel", options(CfgSetCookie(false)), func(s *settings) any { return s.EnableSetCookie }, false},
		{"provider is not looked up", options(CfgProvider("none such")), func(s *settings) any { return s.Provider }, "none such"},
		{
			"proxies", options(CfgTrustedProxies("10.1.2.3", "10.1.2.3/8", "::1", "fe80::1/10", "::ffff:10.1.2.3", "::ffff:10.1.2.3/104")),
			func(s *settings) any { return fmt.Sprint(s.trusted) }, "[10.1.2.3/32 10.0.0.0/8 ::1/128 fe80::/10 10.1.2.3/32 10.0.0.0/8]",
		},
		{"__Host-Http- cookie", options(CfgCookieName("__Host-Http-s"), CfgSecure(true)), func(s *settings) any { return s.CookieName }, "__Host-Http-s"},
		{
			"__Secure- cookie", options(CfgCookieName("__Secure-s"), CfgSecure(true), CfgDomain("example.com"), CfgCookiePath("/a"), CfgHTTPOnly(false)),
			func(s *settings) any { return s.CookieName }, "__Secure-s",
		},
		{
			"__Http- cookie", options(CfgCookieName("__Http-s"), CfgSecure(true), CfgDomain("example.com"), CfgCookiePath("/a")),
			func(s *settings) any { return s.CookieName }, "__Http-s",
		},
		{
			"__Host- cookie", options(CfgCookieName("__Host-s"), CfgSecure(true), CfgHTTPOnly(false)),
			func(s *settings) any { return s.CookieName }, "__Host-s",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := NewManagerConfig(tt.opts...).resolve()
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.got(s); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			cookie := &http.Cookie{Name: s.CookieName, Path: s.CookiePath, Domain: s.Domain}
			if err := cookie.Valid(); err != nil {
				t.Error(err)
			}
		})
	}
}

func options(opts ...ManagerConfigOpt) []ManagerConfigOpt { return opts }

func TestResolveErrors(t *testing.T) {
	const header = "SessionNameInHTTPHeader"
	withHeader := func(name string) []ManagerConfigOpt {
		return options(CfgSessionIdInHTTPHeader(true), CfgSetSessionNameInHTTPHeader(name))
	}
	secure := CfgSecure(true)
	tests := []struct {
		name  string
		opts  []ManagerConfigOpt
		field string
		want  string
	}{
		{"sid too short", options(CfgSessionIdLength(15)), "sessionIDLength", "15 is not between 16 and 64"},
		{"sid too long", options(CfgSessionIdLength(65)), "sessionIDLength", "65 is not"},
		{"sid negative", options(CfgSessionIdLength(-1)), "sessionIDLength", "-1 is not"},
		{"gclifetime negative", options(CfgGcLifeTime(-1)), "gclifetime", "-1 is negative"},
		{"gclifetime overflow", options(CfgGcLifeTime(math.MaxInt64)), "gclifetime", "a century"},
		{"gclifetime over a century", options(CfgGcLifeTime(100*365*24*60*60 + 1)), "gclifetime", "a century"},
		{"maxLifetime negative", options(CfgMaxLifeTime(-1)), "maxLifetime", "-1 is negative"},
		{"maxLifetime overflow", options(CfgMaxLifeTime(9223372037)), "maxLifetime", "a century"},
		{"maxLifetime over a century", options(CfgMaxLifeTime(9223372036)), "maxLifetime", "a century"},
		{"absoluteLifetime negative", options(CfgAbsoluteLifetime(-1)), "absoluteLifetime", "negative"},
		{"absoluteLifetime too short", options(CfgAbsoluteLifetime(1)), "absoluteLifetime", "a millisecond"},
		{"absoluteLifetime too long", options(CfgAbsoluteLifetime(maxLifetime + 1)), "absoluteLifetime", "a century"},
		{"sweepInterval negative", options(CfgSweepInterval(-1)), "sweepInterval", "negative"},
		{"sweepInterval too short", options(CfgSweepInterval(1)), "sweepInterval", "a millisecond"},
		{"opTimeout negative", options(CfgOpTimeout(-1)), "opTimeout", "negative"},
		{"opTimeout too short", options(CfgOpTimeout(1)), "opTimeout", "a millisecond"},
		{"opTimeout too long", options(CfgOpTimeout(math.MaxInt64)), "opTimeout", "a century"},
		{"touchInterval too short", options(CfgTouchInterval(1)), "touchInterval", "a millisecond"},
		{"maxBytes negative", options(CfgMaxBytes(-1)), "maxBytes", "negative"},
		{"maxPerUser negative", options(CfgMaxPerUser(-1)), "maxPerUser", "negative"},
		{"cookieLifeTime negative", options(CfgCookieLifeTime(-2)), "cookieLifeTime", "-2 is negative"},
		{"cookieLifeTime over 400 days", options(CfgCookieLifeTime(34560001)), "cookieLifeTime", "400 days"},
		{"markLifetime too short", options(CfgMarkLifetime(1)), "markLifetime", "a millisecond"},
		{"markLifetime too long", options(CfgMarkLifetime(2 * time.Hour)), "markLifetime", "more than an hour"},
		{"touchInterval is maxLifetime", options(CfgTouchInterval(time.Hour)), "touchInterval", "not less than maxLifetime"},
		{"cookie name with space", options(CfgCookieName("a s3cr3t-canary")), "cookieName", "only letters, digits and !#$%&'*+"},
		{"cookie name with control", options(CfgCookieName("a\n")), "cookieName", "only letters"},
		{"cookie name with equal sign", options(CfgCookieName("a=b")), "cookieName", "only letters"},
		{"cookie name beyond ASCII", options(CfgCookieName("ä")), "cookieName", "only letters"},
		{"cookie name not UTF-8", options(CfgCookieName("\xff")), "cookieName", "only letters"},
		{"cookie name too long", options(CfgCookieName(strings.Repeat("n", 257))), "cookieName", "257 bytes are more than 256"},
		{"path without slash", options(CfgCookiePath("app")), "cookiePath", "begins with"},
		{"path with semicolon", options(CfgCookiePath("/a;b")), "cookiePath", "semicolon"},
		{"path with control", options(CfgCookiePath("/a\r\n")), "cookiePath", "control"},
		{"path beyond ASCII", options(CfgCookiePath("/ä")), "cookiePath", "ASCII"},
		{"path too long", options(CfgCookiePath("/" + strings.Repeat("p", 1024))), "cookiePath", "1025 bytes are more than 1024"},
		{"domain is a URL", options(CfgDomain("https://example.com")), "domain", "want a host name"},
		{"domain with port", options(CfgDomain("example.com:80")), "domain", "want a host name"},
		{"domain with semicolon", options(CfgDomain("a.com;b")), "domain", "want a host name"},
		{"domain is a dot", options(CfgDomain(".")), "domain", "want a host name"},
		{"domain with two dots", options(CfgDomain("..example.com")), "domain", "want a host name"},
		{"domain ends in a dot", options(CfgDomain("example.com.")), "domain", "want a host name"},
		{"domain beyond ASCII", options(CfgDomain("bücher.example")), "domain", "want a host name"},
		{"domain too long", options(CfgDomain(strings.Repeat("a.", 600) + "com")), "domain", "want a host name"},
		{"same site none in clear", options(CfgSameSite(http.SameSiteNoneMode)), "cookieSameSite", "secure: true"},
		{"same site unknown", options(CfgSameSite(5)), "cookieSameSite", "5 is not one of default (1)"},
		{"same site negative", options(CfgSameSite(-1)), "cookieSameSite", "-1 is not one of"},
		{"partitioned in clear", options(CfgPartitioned(true)), "partitioned", "secure: true"},
		{"__Secure- in clear", options(CfgCookieName("__Secure-s")), "cookieName", "secure: true"},
		{"__Host- in clear", options(CfgCookieName("__host-s")), "cookieName", "secure: true"},
		{"__Host- with path", options(CfgCookieName("__HOST-s"), secure, CfgCookiePath("/a")), "cookieName", "cookiePath"},
		{"__Host- with domain", options(CfgCookieName("__Host-s"), secure, CfgDomain("a.com")), "cookieName", "an empty domain"},
		{"__Http- in clear", options(CfgCookieName("__Http-s")), "cookieName", "secure: true"},
		{"__Http- for scripts", options(CfgCookieName("__http-s"), secure, CfgHTTPOnly(false)), "cookieName", "disableHTTPOnly"},
		{"__Host-Http- in clear", options(CfgCookieName("__Host-Http-s")), "cookieName", "secure: true"},
		{"__Host-Http- for scripts", options(CfgCookieName("__Host-Http-s"), secure, CfgHTTPOnly(false)), "cookieName", "disableHTTPOnly"},
		{"__Host-Http- with path", options(CfgCookieName("__Host-Http-s"), secure, CfgCookiePath("/a")), "cookieName", "cookiePath"},
		{"__Host-Http- with domain", options(CfgCookieName("__host-HTTP-s"), secure, CfgDomain("a.com")), "cookieName", "an empty domain"},
		{"header without name", options(CfgSessionIdInHTTPHeader(true)), header, "needs a header name"},
		{"header with space", withHeader("X s3cr3t-canary"), header, "want a header name"},
		{"header too long", withHeader(strings.Repeat("h", 257)), header, "want a header name"},
		{"header cookie", withHeader("cookie"), header, "already has a meaning"},
		{"header set-cookie", withHeader("SET-COOKIE"), header, "already has a meaning"},
		{"header te", withHeader("TE"), header, "already has a meaning"},
		{"header sec-", withHeader("sec-fetch-site"), header, "already has a meaning"},
		{"prefix with colon", options(CfgSessionIdPrefix("s3cr3t-canary:")), "sessionIDPrefix", "letters, digits"},
		{"prefix too long", options(CfgSessionIdPrefix(strings.Repeat("p", 65))), "sessionIDPrefix", "at most 64"},
		{"namespace too long", options(CfgNamespace(strings.Repeat("n", 129))), "namespace", "129 bytes are more than 128"},
		{"namespace with NUL", options(CfgNamespace("s3cr3t-canary\x00")), "namespace", "control"},
		{"namespace with C1 control", options(CfgNamespace("\u0085")), "namespace", "control"},
		{"namespace not UTF-8", options(CfgNamespace("\xff")), "namespace", "control"},
		{"proxy name", options(CfgTrustedProxies("10.0.0.1", "s3cr3t-canary")), "trustedProxies", "entry 2 is not an address"},
		{"proxy empty", options(CfgTrustedProxies("")), "trustedProxies", "entry 1 is not an address"},
		{"proxy bits", options(CfgTrustedProxies("10.0.0.0/33")), "trustedProxies", "entry 1 is not an address"},
		{"proxy zone", options(CfgTrustedProxies("fe80::1%eth0")), "trustedProxies", "entry 1 is not an address"},
		{"onLimit", options(CfgOnLimit("s3cr3t-canary")), "onLimit", `want "evict" or "refuse"`},
		{"codec", options(CfgCodec("s3cr3t-canary")), "codec", `want "compact", "gob" or "json"`},
		{"beego with keys", options(CfgBeego(true), CfgEncryptionKeys("0123456789abcdef")), "encryptionKeys", "beego cannot read encrypted sessions"},
		{"short key", options(CfgEncryptionKeys("0123456789abcdef", "s3cr3t-canary")), "encryptionKeys", "key 2 has 13 bytes, at least 16 are needed"},
		{"key twice", options(CfgEncryptionKeys("0123456789abcdef", "0123456789abcdef")), "encryptionKeys", "key 2 was given before"},
		{"beego with compact", options(CfgBeego(true), CfgCodec("compact")), "codec", `beego can read only "gob"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := NewManagerConfig(tt.opts...).resolve()
			if s != nil {
				t.Error("got settings")
			}
			wantConfigError(t, err, tt.field, tt.want)
		})
	}
}

func TestResolveNil(t *testing.T) {
	var c *ManagerConfig
	_, err := c.resolve()
	wantConfigError(t, err, "ManagerConfig", "config is nil: use NewManagerConfig")
}

func TestResolveCopies(t *testing.T) {
	c := NewManagerConfig(CfgTrustedProxies("10.0.0.1"), CfgDomain(".example.com"))
	before := *c
	s, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*c, before) {
		t.Errorf("resolve changed the config to %#v", c)
	}
	c.TrustedProxies[0] = "changed"
	if s.TrustedProxies[0] != "10.0.0.1" || s.trusted[0] != netip.MustParsePrefix("10.0.0.1/32") {
		t.Error("the settings share a slice with the config")
	}
}

func TestConfigHidesSecrets(t *testing.T) {
	c := NewManagerConfig(CfgProviderConfig(configCanary), CfgEncryptionKeys(configCanary, configCanary), CfgNamespace("shown"))
	inStruct := struct{ Config ManagerConfig }{*c}
	var log bytes.Buffer
	text := slog.New(slog.NewTextHandler(&log, nil))
	text.Info("config", "pointer", c, "value", *c)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "pointer", c, "value", *c)
	shown := []string{c.String(), c.GoString(), log.String(), fmt.Sprint(&settings{ManagerConfig: *c})}
	for _, v := range []any{c, *c, inStruct, &inStruct, []ManagerConfig{*c}} {
		shown = append(shown, fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s", v))
	}
	for _, s := range shown {
		if strings.Contains(s, configCanary) {
			t.Errorf("shows the secret: %s", s)
		}
		if !strings.Contains(s, "***") || !strings.Contains(s, "shown") {
			t.Errorf("does not show that there are settings: %s", s)
		}
	}
	if s := NewManagerConfig().String(); strings.Contains(s, "***") {
		t.Errorf("shows secrets where there are none: %s", s)
	}
}
