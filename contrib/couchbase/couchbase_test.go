package couchbase_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/couchbase"
	"github.com/seed1a8f7c28/session/contrib/couchbase/internal/fakecouchbase"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/castest"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/sample"
)

// node opens a node until the test ends.
func node(t testing.TB, config string) castest.Backend {
	t.Helper()
	b, err := couchbase.Open(context.Background(), driver.Config{Config: config, Namespace: "app"})
	must(t, err)
	t.Cleanup(func() { must(t, b.(castest.Backend).Close()) })
	return b.(castest.Backend)
}

// TestBadConfig has configs that are refused. No error shows a value that could be a secret.
func TestBadConfig(t *testing.T) {
	s := fakecouchbase.Start(t, login)
	file := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(file, []byte("s3cr3t"), 0o600))
	const rest = `"username": "app", "password": "s3cr3t", "bucket": "b"`
	for _, tt := range []struct{ name, config, field, want string }{
		{"nothing", "", "providerConfig", "pool, bucket"},
		{"two parts", "http://a:s3cr3t@b, s3cr3t", "providerConfig", "pool, bucket"},
		{"no login", "http://127.0.0.1:8091/, default, b", "providerConfig.username", "missing"},
		{"no bucket", `{"username": "app"}`, "providerConfig.bucket", "missing"},
		{"unknown key", `{"host": "a"}`, "providerConfig.host", "unknown key"},
		{"no scheme", `{"url": "127.0.0.1", ` + rest + `}`, "providerConfig.url", "couchbase://"},
		{"other scheme", `{"url": "https://a", ` + rest + `}`, "providerConfig.url", "couchbase://"},
		{"scheme in beego's name", `{"save_path": "ftp://a", ` + rest + `}`, "providerConfig.save_path", "couchbase://"},
		{"no host", `{"url": "couchbase://", ` + rest + `}`, "providerConfig.url", "hosts"},
		{"path", `{"url": "couchbase://a/s3cr3t", ` + rest + `}`, "providerConfig.url", "hosts"},
		{"login not escaped", `{"url": "couchbase://a:%zz@b", "bucket": "b"}`, "providerConfig.url", "escaped"},
		{"http port", "http://a:s3cr3t@b:8092/, default, b", "providerConfig.save_path", "8091"},
		{"two logins", `{"url": "couchbase://a@b", ` + rest + `}`, "providerConfig.url", "so do username"},
		{"two urls", `{"url": "couchbase://a", "save_path": "couchbase://b", ` + rest + `}`, "providerConfig.save_path", "only one"},
		{"durability", `{"durability": "s3cr3t", ` + rest + `}`, "providerConfig.durability", "majority"},
		{"scope alone", `{"scope": "a", ` + rest + `}`, "providerConfig.collection", "belong"},
		{"tls", `{"tlsInsecure": true, ` + rest + `}`, "providerConfig.url", "couchbases://"},
		{"no file", `{"url": "couchbases://a", "tlsCA": "/nowhere/x", ` + rest + `}`, "providerConfig.tlsCA", "no such file"},
		{"no certificate", `{"url": "couchbases://a", "tlsCA": "` + file + `", ` + rest + `}`, "providerConfig.tlsCA", "no certificate"},
		{"nobody listens", at("127.0.0.1:1"), "providerConfig", "couchbase at 127.0.0.1:1"},
		{"wrong password", strings.Replace(at(s.Addr), login.Password, "s3cr3t", 1), "providerConfig", "authentication"},
		{"no such bucket", strings.Replace(at(s.Addr), `"sessions"`, `"other"`, 1), "providerConfig", "couchbase at 127.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := couchbase.Open(t.Context(), driver.Config{Config: tt.config})
			sample.Refused(t, err, tt.field, tt.want)
		})
	}
}

// TestBeegosConfigs opens both forms of beego's.
func TestBeegosConfigs(t *testing.T) {
	s := fakecouchbase.Start(t, login)
	_, err := couchbase.Open(t.Context(), driver.Config{Config: "http://app:pass%20word@127.0.0.2:8091/, default, sessions"})
	if err == nil || !strings.Contains(err.Error(), "couchbase at 127.0.0.2:") || strings.Contains(err.Error(), "not known") {
		t.Errorf("nobody listens: %v", err)
	}
	for _, config := range []string{
		"couchbase://app:pass%20word@" + s.Addr + "/, default, sessions",
		`{"save_path": "couchbase://app:pass%20word@` + s.Addr + `/", "pool": "default", "bucket": "sessions"}`,
	} {
		m, err := nodes(config)(session.CfgBeego(true))
		must(t, err)
		must(t, m.Close())
	}
}

const beegoSID = "0123456789abcdef0123456789abcdef"

// TestBeego has beego's provider and this one work on one session in turn. beego's client stores bytes as JSON.
func TestBeego(t *testing.T) {
	s := fakecouchbase.Start(t, login)
	m, err := nodes(at(s.Addr))(session.CfgBeego(true), session.CfgMaxLifeTime(600))
	must(t, err)
	defer m.Close()
	castest.Beego(t, m, castest.Legacy{
		Set: func(sid string, values []byte) {
			text := []byte(`""`) // as SessionRegenerate of beego's begins a session
			if values != nil {
				var err error
				text, err = json.Marshal(values)
				must(t, err)
			}
			s.Set(sid, text, time.Now().Add(600*time.Second))
		},
		Value: func(sid string) (values []byte, left time.Duration, live bool) {
			text, expiry, live := s.Item(sid)
			if live {
				must(t, json.Unmarshal(text, &values))
			}
			return values, time.Until(expiry), live
		},
	})
}

// TestForeign has documents of other programs under the keys of sessions.
func TestForeign(t *testing.T) {
	s := fakecouchbase.Start(t, login)
	b, ctx := node(t, at(s.Addr)), t.Context()
	legacy, err := nodes(at(s.Addr))(session.CfgBeego(true))
	must(t, err)
	defer legacy.Close()
	for _, value := range []string{`{"a": 1}`, `"AAAA"`, "\x00"} {
		s.Set("app:"+key(1), []byte(value), time.Time{})
		s.Set(beegoSID, []byte(value), time.Time{})
		if err := b.Load(ctx, key(1), new(driver.Record)); !errors.Is(err, driver.ErrCorrupt) {
			t.Errorf("Load of %q = %v", value, err)
		}
		if _, err := legacy.GetSessionStore(beegoSID); !errors.Is(err, driver.ErrCorrupt) {
			t.Errorf("beego's session %q = %v", value, err)
		}
		must(t, b.Delete(ctx, key(1), 0))
		if _, _, ok := s.Item("app:" + key(1)); ok {
			t.Error("it was deleted, and is there")
		}
	}
}

// TestExpiry checks until when Couchbase keeps a session: each write says so.
func TestExpiry(t *testing.T) {
	s := fakecouchbase.Start(t, login)
	b, ctx := node(t, at(s.Addr)), t.Context()
	rec := newRecord("")
	check := func(want time.Time) {
		t.Helper()
		_, expiry, ok := s.Item("app:" + key(1))
		if late := expiry.Sub(want); !ok || late < 50*time.Second || late > 70*time.Second {
			t.Errorf("Couchbase keeps it for %v longer than it lives", late)
		}
	}
	rec.Expires = time.Now().AddDate(99, 0, 0)
	must(t, b.Create(ctx, key(1), rec))
	if _, expiry, ok := s.Item("app:" + key(1)); !ok || !expiry.IsZero() {
		t.Errorf("what lives for a century expires in Couchbase: %v", expiry)
	}
	must(t, b.Delete(ctx, key(1), 0))
	for _, lifetime := range []time.Duration{time.Hour, 30 * 24 * time.Hour, 365 * 24 * time.Hour} {
		rec.Version, rec.Expires = 0, time.Now().Add(lifetime)
		must(t, b.Create(ctx, key(1), rec))
		check(rec.Expires)
		must(t, b.Touch(ctx, key(1), rec.Expires.Add(time.Minute)))
		check(rec.Expires.Add(time.Minute))
		must(t, b.Delete(ctx, key(1), 0))
	}
}

// TestTooLarge has a session that Couchbase does not take.
func TestTooLarge(t *testing.T) {
	s := fakecouchbase.Start(t, login)
	b, ctx, rec := node(t, at(s.Addr)), t.Context(), newRecord("")
	must(t, b.Create(ctx, key(1), rec))
	rec.Data = make([]byte, 21<<20)
	if err := b.Save(ctx, key(1), rec); !errors.Is(err, driver.ErrTooLarge) {
		t.Errorf("Save = %v", err)
	}
	got := new(driver.Record)
	must(t, b.Load(ctx, key(1), got))
	if string(got.Data) != "data" {
		t.Error("the earlier data is lost")
	}
}

// TestLostAnswers has answers lost after the server has stored what was asked.
func TestLostAnswers(t *testing.T) {
	s := fakecouchbase.Start(t, login)
	b, ctx := node(t, at(s.Addr)), t.Context()
	s.DropAnswers(1)
	must(t, b.Create(ctx, key(1), newRecord("")))
	rec := newRecord("")
	must(t, b.Load(ctx, key(1), rec))
	s.DropAnswers(1)
	must(t, b.Delete(ctx, key(1), 0))
	if err := b.Load(ctx, key(1), rec); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Load after Delete = %v", err)
	}
}

// TestErrors checks that an error names no key.
func TestErrors(t *testing.T) {
	s := fakecouchbase.Start(t, login)
	b, ctx := node(t, at(s.Addr)), t.Context()
	for _, status := range []uint16{0x03, 0x20, 0x24, 0x82, 0x84, 0x86, 0xa1, 0xa3} {
		s.Fail(status, 100)
		call, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		for name, err := range map[string]error{
			"Create": b.Create(call, key(1), newRecord("")), "Load": b.Load(call, key(1), new(driver.Record)), "Ping": b.Ping(call),
		} {
			if err == nil || strings.Contains(err.Error(), key(1)) || strings.Contains(err.Error(), "not known") {
				t.Errorf("status %#x: %s = %v", status, name, err)
			}
		}
		cancel()
		s.Fail(0, 0)
	}
}

// TestTrips counts the round trips of the backend's calls.
func TestTrips(t *testing.T) {
	s := fakecouchbase.Start(t, login)
	b, ctx, rec := node(t, at(s.Addr)), t.Context(), newRecord("")
	check := func(name string, trips int, do func() error) {
		t.Helper()
		before := s.Requests()
		must(t, do())
		if got := s.Requests() - before; got != trips {
			t.Errorf("%s: %d trips, want %d", name, got, trips)
		}
	}
	check("Create", 1, func() error { return b.Create(ctx, key(1), rec) })
	check("Load", 1, func() error { return b.Load(ctx, key(1), rec) })
	check("Save", 1, func() error { return b.Save(ctx, key(1), rec) })
	check("Touch", 2, func() error { return b.Touch(ctx, key(1), rec.Expires.Add(time.Hour)) })
	check("Load", 1, func() error { return b.Load(ctx, key(1), rec) })
	check("Delete", 1, func() error { return b.Delete(ctx, key(1), 0) })
}

// faults are how a server fails.
var faults = []struct {
	name  string
	fails faulttest.Fails
	fault func(s *fakecouchbase.Server) faulttest.Fault
}{
	{"restart", faulttest.Some, func(s *fakecouchbase.Server) faulttest.Fault { return faulttest.Outage(s.Stop, s.Restart, 8) }},
	{"no answers", faulttest.Maybe, func(s *fakecouchbase.Server) faulttest.Fault {
		return func(r *faulttest.Round) {
			r.Broken()
			s.HoldAnswers(8)
			r.Answers(200)
		}
	}},
	{"answers lost", faulttest.Maybe, func(s *fakecouchbase.Server) faulttest.Fault {
		return func(r *faulttest.Round) {
			r.Broken()
			for range 20 {
				s.DropAnswers(1)
				r.Answers(10)
			}
		}
	}},
}

// TestFault has the server fail while clients use sessions.
func TestFault(t *testing.T) {
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := fakecouchbase.Start(t, login)
			faulttest.Run(t, faulttest.Setup{Open: nodes(at(s.Addr)), Fails: tt.fails}, tt.fault(s))
		})
	}
}

// TestNoMore checks that the backend does not claim what it cannot do.
func TestNoMore(t *testing.T) { castest.NoMore(t, node(t, at(fakecouchbase.Start(t, login).Addr))) }
