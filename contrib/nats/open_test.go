package nats_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/nats"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

var quiet = slog.New(slog.DiscardHandler)

// TestConfig has configs that are refused before anything is connected.
func TestConfig(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	must(t, os.WriteFile(empty, nil, 0o600))
	for _, tt := range []struct{ config, field, says string }{
		{`{"urls": ["nats://a"], "url": "nats://b"}`, "urls", "twice"},
		{`{"urls": ["http://a:1"]}`, "urls", "server 1"},
		{"nats://a:1,,", "urls", "server 2"},
		{`{"bucket": "a.b"}`, "bucket", "letters"},
		{`{"replicas": 6}`, "replicas", "1 to 5"},
		{`{"storage": "disk"}`, "storage", `"memory"`},
		{`{"bukket": "a"}`, "bukket", "bucket"},
		{`{"password": "secret"}`, "username", "password"},
		{`{"token": "secret", "username": "secret"}`, "credentials", "only one"},
		{`{"tlsCert": "a"}`, "tlsKey", "missing"},
		{`{"tlsKey": "a"}`, "tlsCert", "missing"},
		{`{"tlsCA": "/does/not/exist"}`, "tlsCA", "no such file"},
		{fmt.Sprintf(`{"tlsCA": %q}`, empty), "tlsCA", "certificate"},
		{`{"credentials": "/does/not/exist"}`, "credentials", "no such file"},
		{fmt.Sprintf(`{"nkey": %q}`, empty), "nkey", "no seed"},
	} {
		_, err := nats.Open(t.Context(), driver.Config{Config: tt.config, Logger: quiet})
		wrong, ok := errors.AsType[*driver.ConfigError](err)
		if !ok || wrong.Field != "providerConfig."+tt.field || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want an error of %s that says %q", tt.config, err, tt.field, tt.says)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

// TestOpenFails has servers and buckets that cannot be used. The error names the server, and no password.
func TestOpenFails(t *testing.T) {
	s := start(t, server.Options{Users: []*server.User{
		{Username: "app", Password: "right"},
		{Username: "reader", Password: "right", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"$JS.API.>"}}}},
	}})
	nc, err := natsgo.Connect(s.ClientURL(), natsgo.UserInfo("app", "right"))
	must(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(t, err)
	for _, b := range []jetstream.KeyValueConfig{{Bucket: "plain"}, {Bucket: "aged", TTL: time.Hour}} {
		_, err := js.CreateKeyValue(t.Context(), b)
		must(t, err)
	}
	without := run(t, server.Options{})
	addr := s.Addr().String()
	for _, tt := range []struct{ name, config, addr, says string }{
		{"no server", "nats://app:secret@127.0.0.1:1", "127.0.0.1:1", "no servers"},
		{"wrong password", "nats://app:secret@" + addr, addr, "Authorization"},
		{"no JetStream", without.ClientURL(), without.Addr().String(), "JetStream"},
		{"a bucket without TTLs", fmt.Sprintf(`{"url": %q, "username": "app", "password": "right", "bucket": "plain"}`, addr), addr, "TTL"},
		{"no permission to write", "nats://reader:right@" + addr, addr, "writing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			_, err := nats.Open(ctx, driver.Config{Config: tt.config, Logger: quiet})
			if _, ok := errors.AsType[*driver.ConfigError](err); !ok || !strings.Contains(err.Error(), tt.says) ||
				!strings.Contains(err.Error(), tt.addr) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v, want an error that says %q, names the server, and shows no password", err, tt.says)
			}
		})
	}
	_, err = nats.Open(t.Context(), driver.Config{Beego: true, Logger: quiet})
	if wrong, ok := errors.AsType[*driver.ConfigError](err); !ok || wrong.Field != "beego" {
		t.Errorf("beego mode: %v", err)
	}
}

// TestAccounts has two accounts on one server with TLS. A bucket of the same name is another one in each.
func TestAccounts(t *testing.T) {
	certs := servertest.NewCerts(t)
	config := filepath.Join(t.TempDir(), "nats.conf")
	must(t, os.WriteFile(config, fmt.Appendf(nil, `
listen: "127.0.0.1:-1"
jetstream { store_dir: %q }
tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }
accounts {
	A { jetstream: enabled, users: [{user: a, password: secret}] }
	B { jetstream: enabled, users: [{user: b, password: secret}] }
}`, t.TempDir(), certs.ServerCert, certs.ServerKey, certs.CA), 0o600))
	o, err := server.ProcessConfigFile(config)
	must(t, err)
	s := start(t, *o)
	open := func(user string, tls bool) (driver.Backend, error) {
		text := fmt.Sprintf(`{"url": "nats://%s", "username": %q, "password": "secret"`, s.Addr(), user)
		if tls {
			text += fmt.Sprintf(`, "tlsCA": %q, "tlsCert": %q, "tlsKey": %q`, certs.CA, certs.ClientCert, certs.ClientKey)
		}
		return nats.Open(t.Context(), driver.Config{Config: text + "}", Logger: quiet})
	}
	if _, err := open("a", false); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("without the CA: %v", err)
	}
	var of [2]backend
	for i, user := range []string{"a", "b"} {
		b, err := open(user, true)
		must(t, err)
		of[i] = b.(backend)
		defer of[i].Close()
	}
	must(t, of[0].Create(t.Context(), key(1), newRecord("ann")))
	if err := of[1].Load(t.Context(), key(1), new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("another account's session: %v", err)
	}
	must(t, of[1].Create(t.Context(), key(1), newRecord("ann")))
}

// TestPermissions has a login with the permissions that docs/providers/nats.md lists, and no others.
func TestPermissions(t *testing.T) {
	page, err := os.ReadFile("../../docs/providers/nats.md")
	must(t, err)
	_, text, _ := strings.Cut(string(page), "**Permissions.**")
	text, _, _ = strings.Cut(text, "\n\n")
	var publish, subscribe []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(m[1], "$") {
			publish = append(publish, m[1])
		} else {
			subscribe = append(subscribe, m[1])
		}
	}
	s := start(t, server.Options{Users: []*server.User{{Username: "app", Password: "secret", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: subscribe},
	}}}})
	b, ctx := node(t, "nats://app:secret@"+s.Addr().String(), "app"), t.Context()
	must(t, b.Create(ctx, key(1), newRecord("ann")))
	watching, stop := context.WithCancel(ctx)
	defer stop()
	begun, ended := make(chan bool, 8), make(chan string, 8)
	go b.Watch(watching, func() { begun <- true }, func(key string) { ended <- key })
	<-begun
	n, err := b.Count(ctx)
	must(t, err)
	for _, err := range b.ListUser(ctx, "ann") {
		must(t, err)
	}
	must(t, b.Delete(ctx, key(1), 0))
	if got := <-ended; n != 1 || got != key(1) {
		t.Errorf("Count = %d, and the watcher has heard of another session", n)
	}
	must(t, b.Clear(ctx))
}

// TestNew is of an application's own connection, which stays open.
func TestNew(t *testing.T) {
	nc, err := natsgo.Connect(start(t, server.Options{}).ClientURL())
	must(t, err)
	defer nc.Close()
	m, err := session.New(nats.New(nc, nats.Bucket{Name: "own", Storage: "memory"}), session.NewManagerConfig())
	must(t, err)
	must(t, m.Ping(t.Context()))
	must(t, m.Close())
	if nc.IsClosed() {
		t.Error("Close has closed the application's connection")
	}
	js, err := jetstream.New(nc)
	must(t, err)
	stream, err := js.Stream(t.Context(), "KV_own")
	must(t, err)
	if c := stream.CachedInfo().Config; c.Storage != jetstream.MemoryStorage || c.AllowDirect {
		t.Errorf("the bucket is %+v", c)
	}
	for field, p := range map[string]session.Provider{
		"provider":                nats.New(nil, nats.Bucket{}),
		"providerConfig.storage":  nats.New(nc, nats.Bucket{Storage: "disk"}),
		"providerConfig.replicas": nats.New(nc, nats.Bucket{Replicas: -1}),
	} {
		_, err := session.New(p, session.NewManagerConfig())
		if wrong, ok := errors.AsType[*session.ConfigError](err); !ok || wrong.Field != field {
			t.Errorf("%v, want an error of %s", err, field)
		}
	}
	if _, err := session.New(nats.New(nc, nats.Bucket{}), session.NewManagerConfig(session.CfgProviderConfig("nats://a"))); err == nil {
		t.Error("a provider config beside a connection is accepted")
	}
}
