package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// What is wrong with a config is an error that names the setting, whichever way the config comes, and no
// manager.
func TestBadConfigIsRefused(t *testing.T) {
	options := func(opts ...session.ManagerConfigOpt) func(*testing.T) (*session.Manager, error) {
		return func(*testing.T) (*session.Manager, error) {
			return session.NewManager("memory", session.NewManagerConfig(opts...))
		}
	}
	file := func(text string) func(t *testing.T) (*session.Manager, error) {
		return func(t *testing.T) (*session.Manager, error) {
			path := filepath.Join(t.TempDir(), "session.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, err := session.LoadConfig(path)
			if err != nil {
				return nil, err
			}
			return session.Open(cfg)
		}
	}
	for name, tt := range map[string]struct {
		open  func(t *testing.T) (*session.Manager, error)
		field string
		text  string // in the error
	}{
		"nil config":     {func(*testing.T) (*session.Manager, error) { return session.NewManager("memory", nil) }, "ManagerConfig", "nil"},
		"Open nil":       {func(*testing.T) (*session.Manager, error) { return session.Open(nil) }, "ManagerConfig", "nil"},
		"nil provider":   {func(*testing.T) (*session.Manager, error) { return session.New(nil, session.NewManagerConfig()) }, "provider", "nil"},
		"New nil nil":    {func(*testing.T) (*session.Manager, error) { return session.New(memory.New(), nil) }, "ManagerConfig", "nil"},
		"no provider":    {func(*testing.T) (*session.Manager, error) { return session.Open(session.NewManagerConfig()) }, "provider", "is not set (registered: " + strings.Join(session.Providers(), ", ") + ")"},
		"other provider": {options(session.CfgProvider("redis")), "provider", `"redis"`},

		"bad JSON":         {file("{\n  \"provider\": \"memory\",,\n}"), "", "line 2, column 24"},
		"unknown key":      {file(`{"provider": "memory", "maxLifetimes": 1}`), "maxLifetimes", "maxLifetime?"},
		"wrong type":       {file(`{"provider": "memory", "secure": "yes"}`), "secure", "true or false"},
		"unknown provider": {file(`{"provider": "memori"}`), "provider", "memory"},
		"provider's key":   {file(`{"provider": "memory", "providerConfig": {"maxSession": 1}}`), "providerConfig.maxSession", "unknown key"},
		"provider's value": {options(session.CfgProviderConfig(`{"maxSessions": -1}`)), "providerConfig.maxSessions", "negative"},
		"provider's text":  {options(session.CfgProviderConfig("tmp")), "providerConfig", ""},

		"negative lifetime":       {options(session.CfgMaxLifeTime(-1)), "maxLifetime", "negative"},
		"negative sweep":          {options(session.CfgGcLifeTime(-1)), "gclifetime", "negative"},
		"negative absolute":       {options(session.CfgAbsoluteLifetime(-1)), "absoluteLifetime", "negative"},
		"negative timeout":        {options(session.CfgOpTimeout(-1)), "opTimeout", "negative"},
		"negative cookie":         {options(session.CfgCookieLifeTime(-2)), "cookieLifeTime", "negative"},
		"negative size":           {options(session.CfgMaxBytes(-1)), "maxBytes", ""},
		"cookie name":             {options(session.CfgCookieName("my session")), "cookieName", "letters"},
		"cookie prefix":           {options(session.CfgCookieName("__Host-sid"), session.CfgDomain("a.b"), session.CfgSecure(true)), "cookieName", "domain"},
		"sid prefix":              {options(session.CfgSessionIdPrefix("a b")), "sessionIDPrefix", ""},
		"sid length":              {options(session.CfgSessionIdLength(15)), "sessionIDLength", "16"},
		"codec":                   {options(session.CfgCodec("xml")), "codec", ""},
		"header without its name": {options(session.CfgSessionIdInHTTPHeader(true)), "SessionNameInHTTPHeader", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := tt.open(t)
			if m != nil || err == nil {
				t.Fatalf("manager %v, error %v", m, err)
			}
			if tt.field != "" {
				wantFieldError(t, "the error", err, tt.field)
			}
			if text := err.Error(); !strings.Contains(text, tt.text) || !strings.Contains(text, tt.field) {
				t.Errorf("error %q does not say %q", text, tt.text)
			}
		})
	}
}

func TestNewManagerLeavesTheConfigAlone(t *testing.T) {
	cfg := session.NewManagerConfig(session.CfgTrustedProxies("10.0.0.0/8"))
	before := cfg.String()
	m, err := session.NewManager("memory", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if after := cfg.String(); after != before || cfg.Maxlifetime != 0 {
		t.Errorf("before %s, after %s", before, after)
	}
	cfg.CookieName = "other"
	cfg.EnableSetCookie = false
	if c := seed(t, m, nil); !strings.HasPrefix(c.cookie, "gosessionid=") {
		t.Errorf("a later change of the config reaches the manager: %q", c.cookie)
	}
}

// Whatever a client or a careless caller sends: an error or a fresh session, and what was stored stays.
func TestBadRequestsLoseNothing(t *testing.T) {
	for kind, p := range map[string]session.Provider{
		"memory": memory.New(), "tap": newTap(t).provider(), "sealer": newSealerProvider(), "third party": newShelf(),
	} {
		t.Run(kind, func(t *testing.T) {
			m := newNode(t, p, session.CfgLogger(quiet))
			c := seed(t, m, map[any]any{"user": "ann"})
			for name, cookies := range map[string][]string{
				"malformed":        {"gosessionid=../../etc/passwd"},
				"foreign":          {"gosessionid=" + strings.Repeat("ab", 16)},
				"empty":            {"gosessionid="},
				"empty and quoted": {`gosessionid=""`},
				"no value":         {"gosessionid"},
				"only separators":  {";;; ; =; ==;"},
				"binary":           {"gosessionid=\x00\xff\x7f"},
				"long":             {"gosessionid=" + strings.Repeat("a", 64<<10)},
				"truncated":        {c.cookie[:len(c.cookie)-1]},
				"longer":           {c.cookie + "0"},
				"other case":       {strings.ToUpper(c.cookie)},
				"many":             {strings.Repeat("gosessionid="+strings.Repeat("ab", 16)+"; ", 1000)},
				"many lines":       strings.Split(strings.Repeat("gosessionid=x,", 1000), ","),
			} {
				fresh := &client{header: http.Header{"Cookie": cookies}}
				res := fresh.do(func(w http.ResponseWriter, r *http.Request) {
					s, err := m.Start(w, r)
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					if !s.IsNew() || s.Get(r.Context(), "user") != nil {
						t.Errorf("%s: not a fresh session", name)
					}
					set(t, s, "user", "eve")
					save(t, s)
				})
				if len(res.Cookies()) != 1 {
					t.Errorf("%s: Set-Cookie = %q", name, res.Header["Set-Cookie"])
				}
			}
			for name, cookies := range map[string][]string{
				"duplicate":         {c.cookie + "; " + c.cookie},
				"after a bad one":   {"gosessionid=x; " + c.cookie},
				"before a bad one":  {c.cookie + "; gosessionid=" + strings.Repeat("ab", 16)},
				"on the other line": {"gosessionid=" + strings.Repeat("ab", 16), c.cookie},
			} {
				both := &client{header: http.Header{"Cookie": cookies}}
				if got := both.value(t, m, "user"); got != "ann" {
					t.Errorf("%s: user = %v", name, got)
				}
			}

			_, started := m.Start(httptest.NewRecorder(), nil)
			_, sessionStarted := m.SessionStart(httptest.NewRecorder(), nil)
			_, regenerated := m.Regenerate(httptest.NewRecorder(), nil)
			_, sessionRegenerated := m.SessionRegenerateID(httptest.NewRecorder(), nil)
			_, exchanged := m.StartExchange(nil)
			_, fromNil := m.FromContext(nil) //lint:ignore SA1012 beego passes nil contexts
			_, fromOther := m.FromContext(t.Context())
			for name, err := range map[string]error{
				"Start": started, "SessionStart": sessionStarted, "Regenerate": regenerated, "SessionRegenerateID": sessionRegenerated,
				"StartExchange": exchanged, "Destroy": m.Destroy(httptest.NewRecorder(), nil),
				"FromContext(nil)": fromNil, "FromContext": fromOther,
			} {
				if err == nil || !strings.HasPrefix(err.Error(), "session: ") {
					t.Errorf("%s of nothing = %v", name, err)
				}
			}
			m.SessionDestroy(httptest.NewRecorder(), nil)

			if kind != "third party" { // which keeps what it is given
				s := start(t, m, nil, c.request()) // a nil ResponseWriter
				if err := s.Set(t.Context(), "user", func() {}); !errors.Is(err, session.ErrUnencodable) {
					t.Errorf("Set of a func = %v", err)
				}
				if err := s.Set(t.Context(), []int{1}, 1); !errors.Is(err, session.ErrUnencodable) {
					t.Errorf("Set with a slice as key = %v", err)
				}
				save(t, s)
			}
			if got := c.value(t, m, "user"); got != "ann" {
				t.Errorf("at the end user = %v", got)
			}
		})
	}
}

// A Session is not a value: encoding one would wait for the lock of the Session that it is stored in.
func TestASessionIsNoValue(t *testing.T) {
	type holder struct{ *session.Session }
	for _, e := range storing() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			s := new(client).open(t, m)
			for name, v := range map[string]any{
				"itself": s, "in a map": map[string]any{"s": s}, "in anys": []any{s}, "as a Store": []session.Store{s},
				"in a struct": struct{ S *session.Session }{s}, "embedded": holder{s}, "another": new(client).open(t, m),
			} {
				done := make(chan error, 1)
				go func() { done <- s.Set(t.Context(), "k", v) }()
				select {
				case err := <-done:
					if !errors.Is(err, session.ErrUnencodable) {
						t.Errorf("%s: %v, want ErrUnencodable", name, err)
					}
				case <-time.After(10 * time.Second):
					t.Fatalf("%s: Set waits for itself", name)
				}
			}
		})
	}
}
