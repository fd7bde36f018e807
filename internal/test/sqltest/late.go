package sqltest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// lateStatements has the server get a statement only when its call is over, the connection was closed and the session was ended. It must not
// bring the session back, whatever the call did in between.
func (e Engine) lateStatements(t *testing.T) {
	proxy, dsn := e.proxied(t)
	e.lateOver(t, proxy, "provider", e.node(t, dsn))
	e.lateOver(t, proxy, "own pool", e.own(t, dsn, 0))
}

func (e Engine) lateOver(t *testing.T, proxy *servertest.Proxy, pool string, b driver.Backend) {
	ctx := t.Context()
	mark := driver.Mark{Kind: 1, Expires: time.Now().Add(time.Hour)}
	for _, tt := range []struct {
		name string
		do   func(key, to string, rec *driver.Record) error
		is   string // "new" if there is no record before, "once" if the statement must not be sent again
	}{
		{"Create", func(key, _ string, rec *driver.Record) error { return b.Create(ctx, key, rec) }, "once"},
		{"Save", func(key, _ string, rec *driver.Record) error { return b.Save(ctx, key, rec) }, ""},
		{"Touch", func(key, _ string, rec *driver.Record) error {
			return b.Touch(ctx, key, rec.Expires.Add(time.Minute))
		}, ""},
		{"Rename", func(key, to string, rec *driver.Record) error {
			return b.(driver.Renamer).Rename(ctx, key, 1, to, rec, driver.Mark{})
		}, ""},
		{"Rename with a mark", func(key, to string, rec *driver.Record) error {
			return b.(driver.Renamer).Rename(ctx, key, 1, to, rec, mark)
		}, ""},
		{"Mark", func(key, _ string, _ *driver.Record) error { return b.(driver.Marker).Mark(ctx, key, 1, mark) }, ""},
		{"Mark of nothing", func(key, _ string, _ *driver.Record) error {
			return b.(driver.Marker).Mark(ctx, key, 0, mark)
		}, "new"},
		{"Delete", func(key, _ string, _ *driver.Record) error { return b.Delete(ctx, key, 1) }, ""},
	} {
		t.Run(pool+", "+tt.name, func(t *testing.T) {
			key, to := sessiontest.Key(pool+tt.name), sessiontest.Key("to "+pool+tt.name)
			rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a")}
			live := func(key string) bool {
				err := b.Load(ctx, key, new(driver.Record))
				if err != nil && !errors.Is(err, session.ErrNotFound) {
					t.Errorf("Load = %v", err)
				}
				return err == nil
			}
			if tt.is == "" {
				check(t, b.Create(ctx, key, rec))
			} else {
				live(key) // so that there is a connection
			}
			held := proxy.HoldAt(inStatement(t, key)...)
			err := tt.do(key, to, rec)
			t.Log(err)
			if tt.is == "once" && (err == nil || live(key)) {
				t.Errorf("%s = %v: it was sent again", tt.name, err)
			}
			check(t, b.Delete(ctx, key, 0))
			check(t, b.Delete(ctx, to, 0))
			if !held.Deliver() {
				t.Error("nothing was held back")
			}
			if err == nil && (live(key) || live(to)) {
				t.Error("the session is back")
			}
		})
	}
}

// inStatement returns how a statement may contain key.
func inStatement(t *testing.T, key string) []string {
	t.Helper()
	id, err := base64.RawURLEncoding.DecodeString(key)
	check(t, err)
	return []string{string(id), hex.EncodeToString(id)}
}

// node opens a backend with the provider, until the test ends.
func (e Engine) node(t *testing.T, dsn string) driver.Backend {
	t.Helper()
	b, err := e.Node(context.Background(), driver.Config{Config: dsn})
	check(t, err)
	t.Cleanup(func() { b.(io.Closer).Close() })
	return b
}

// lostIdle has idle connections end. Creations must not fail for that, although they are not sent again. One try in five has to
// succeed: an end takes time to arrive.
func (e Engine) lostIdle(t *testing.T) {
	proxy, dsn := e.proxied(t)
	db := e.DB(t, dsn)
	for _, tt := range []struct {
		name   string
		b      driver.Backend
		failed int // how many creations may fail
	}{
		{"provider", e.node(t, dsn), 0},
		{"own pool", e.own(t, dsn, 0), e.LostCreations},
	} {
		if e.DriverOnly && tt.name == "provider" { // no user has this one
			continue
		}
		for _, end := range []func(){proxy.Reset, func() { e.Server.Disconnect(t, db) }} {
			failed := tt.failed + 1
			for try := 0; try < 5 && failed > tt.failed; try++ {
				failed = failAfter(t, proxy, tt.b, end)
			}
			if failed > tt.failed {
				t.Errorf("%s: %d creations failed, want %d at most", tt.name, failed, tt.failed)
			}
		}
	}
}

// failAfter returns how many creations fail after end has ended the idle connections.
func failAfter(t *testing.T, proxy *servertest.Proxy, b driver.Backend, end func()) (failed int) {
	create := func() error {
		return b.Create(t.Context(), sessiontest.Key(rand.Text()), &driver.Record{Expires: time.Now().Add(time.Hour)})
	}
	proxy.SetLatency(20 * time.Millisecond)
	var creating sync.WaitGroup
	for range 5 { // so that there are several connections, which have the statement prepared
		creating.Go(func() { create() })
	}
	creating.Wait()
	proxy.SetLatency(0)
	end()
	time.Sleep(100 * time.Millisecond) // until the ends have come through the proxy
	for range 5 {
		if err := create(); err != nil {
			t.Logf("Create = %v", err)
			failed++
		}
	}
	return failed
}
