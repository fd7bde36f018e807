package memcache_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	client "github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/memcache"
)

func TestBadConfig(t *testing.T) {
	for config, want := range map[string]string{
		"":                    "providerConfig: want the addresses",
		"  ":                  "providerConfig: want the addresses",
		"localhost":           `providerConfig: "localhost" is no address`,
		"127.0.0.1:11211;":    `providerConfig: "" is no address`,
		"127.0.0.1:x":         `providerConfig: "127.0.0.1:x" is no address`,
		"127.0.0.1:0":         `providerConfig: "127.0.0.1:0" is no address`,
		"127.0.0.1:70000":     `providerConfig: "127.0.0.1:70000" is no address`,
		"a:1 b:2":             `providerConfig: "a:1 b:2" is no address`,
		"{":                   "providerConfig",
		`{"server": ["a:1"]}`: "providerConfig.server: unknown key",
		`{"servers": "a:1"}`:  "providerConfig.servers: want a value of type []string",
		`{"servers": []}`:     "providerConfig.servers: want the addresses",
		`{"timeout": "2s"}`:   "providerConfig.servers: want the addresses",
		`{"servers": ["a"]}`:  `providerConfig.servers: "a" is no address`,
		`{"servers": ["a:1"], "timeout": "soon"}`:   "providerConfig.timeout: want a number of seconds",
		`{"servers": ["a:1"], "timeout": 0}`:        "providerConfig.timeout: want a time over 0",
		`{"servers": ["a:1"], "timeout": "-1s"}`:    "providerConfig.timeout: want a time over 0",
		`{"servers": ["a:1"], "timeout": []}`:       "providerConfig.timeout: want a number of seconds",
		`{"servers": ["a:1"], "maxIdleConns": 0}`:   "providerConfig.maxIdleConns: want a number over 0",
		`{"servers": ["a:1"], "maxIdleConns": 1.5}`: "providerConfig.maxIdleConns: want a value of type int",
	} {
		_, err := memcache.Open(t.Context(), driver.Config{Config: config})
		_, ok := errors.AsType[*session.ConfigError](err)
		if !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

func TestGoodConfig(t *testing.T) {
	addr := empty(t)
	socket := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", socket)
	must(t, err)
	defer l.Close()
	go func() { // passes connections on
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", addr)
			if err != nil {
				c.Close()
				return
			}
			go func() { defer c.Close(); io.Copy(c, s) }()
			go func() { defer s.Close(); io.Copy(s, c) }()
		}
	}()
	_, port, _ := net.SplitHostPort(addr)
	for _, config := range []string{
		addr, " " + addr + " ", addr + " ; " + addr, "localhost:" + port, socket,
		`{"servers": ["` + addr + `"]}`,
		`{"Servers": ["` + addr + `"], "timeout": 1.5, "maxIdleConns": 1}`,
		`{"servers": ["` + addr + `", "` + socket + `"], "timeout": "1m30s"}`,
	} {
		b := newNode(t, driver.Config{Config: config, Namespace: config})
		must(t, b.Create(t.Context(), key(1), newRecord()))
		must(t, b.Ping(t.Context()))
	}
}

// TestUnreachable opens what cannot be reached: the error names the server, in time, and nothing is left behind.
func TestUnreachable(t *testing.T) {
	addr := empty(t)
	refused := servertest.NewProxy(t, addr)
	refused.Refuse(true)
	silent := servertest.NewProxy(t, addr)
	silent.Blackhole(true)
	secret := servertest.StartMemcached(t, servertest.MemcachedOptions{User: "app", Password: "secret"})
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for _, tt := range []struct{ name, server, want string }{
		{"refused", refused.Addr, "refused"},
		{"silent", silent.Addr, "timeout"},
		{"another protocol", other.Listener.Addr().String(), "not understood"},
		{"password", secret.Addr, "password"},
		{"name", "no-such-host.invalid:11211", "no-such-host"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for config, field := range map[string]string{
				`{"servers": ["` + addr + `", "` + tt.server + `"], "timeout": "2s"}`: "providerConfig.servers",
				tt.server + ";" + addr: "providerConfig",
			} {
				begin := time.Now()
				_, err := memcache.Open(t.Context(), driver.Config{Config: config})
				bad, ok := errors.AsType[*session.ConfigError](err)
				if !ok || bad.Field != field || !strings.Contains(err.Error(), tt.server) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want an error of %s that says %q and %q", err, field, tt.server, tt.want)
				}
				if took := time.Since(begin); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
			}
		})
	}
	wantNoneLeft(t)
}

// wantNoneLeft checks that no goroutine of the provider or its client is left, after a moment.
func wantNoneLeft(t *testing.T) {
	t.Helper()
	var stacks string
	for limit := time.Now().Add(5 * time.Second); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "gomemcache/memcache.") && !strings.Contains(stacks, "session/memcache.") {
			return
		}
	}
	t.Errorf("goroutines are left:\n%s", stacks)
}

func TestBadClient(t *testing.T) {
	for _, tt := range []struct {
		name     string
		provider session.Provider
		config   string
		field    string
	}{
		{"nil", memcache.New(nil), "", "provider"},
		{"a config, too", memcache.New(client.New("127.0.0.1:1")), "127.0.0.1:1", "providerConfig"},
		{"unreachable", memcache.New(client.New("127.0.0.1:1")), "", "provider"},
		{"no server", memcache.New(client.New()), "", "provider"},
	} {
		_, err := session.New(tt.provider, session.NewManagerConfig(session.CfgProviderConfig(tt.config)))
		if bad, ok := errors.AsType[*session.ConfigError](err); !ok || bad.Field != tt.field {
			t.Errorf("%s: got %v, want an error of %s", tt.name, err, tt.field)
		}
	}
}
