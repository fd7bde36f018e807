package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// A Failover is a primary server and the server that takes over from it.
type Failover struct {
	Old, New string                   // addresses
	DSN      func(addr string) string // for users who cannot write to a read-only server
	Fence    func()                   // makes Old read-only; its connections stay open
	Promote  func()                   // makes New accept writes
	Follows  bool                     // New has the data of Old
}

// Failover makes a primary read-only, as before a switch, while its connections stay open, and lets another server take
// over. It checks that no call fails, not even one in between, and that no connection to the old server stays in the pool.
func (e Engine) Failover(t *testing.T) {
	f := e.Server.Failover(t, e)
	open := func(dsn string) driver.Backend {
		b, err := e.Node(t.Context(), driver.Config{Config: dsn, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.(io.Closer).Close() })
		return b
	}
	if !f.Follows {
		open(f.DSN(f.New)) // makes the table
	}
	proxy := servertest.NewProxy(t, f.Old)
	dsn := f.DSN(proxy.Addr)
	app := e.app(t, dsn, 0)
	own, err := app.Open(t.Context(), driver.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { own.(io.Closer).Close() })
	backends := map[string]driver.Backend{"provider": open(dsn), "own pool": own}
	for name, b := range backends {
		together(t, b, name+" before")
	}
	f.Fence()
	var waiting sync.WaitGroup
	for name, b := range backends {
		waiting.Go(func() { together(t, b, name+" meanwhile") })
	}
	f.Promote()
	proxy.SetTarget(f.New)
	waiting.Wait()
	for name, b := range backends {
		begin := time.Now()
		for i := range 40 {
			if err := create(t, b, fmt.Sprint(name, " after ", i)); err != nil {
				t.Errorf("%s: save %d of 40 after the failover: %v", name, i+1, err)
			}
		}
		t.Logf("%s: 40 saves after the failover took %v", name, time.Since(begin))
		if f.Follows {
			if err := b.Load(t.Context(), sessiontest.Key(name+" before 0"), new(driver.Record)); err != nil {
				t.Errorf("%s: Load of what was there before: %v", name, err)
			}
		}
	}
	if app.IdleReadOnly(t) {
		t.Error("a connection to the old server is left")
	}
}

// crowd is the number of concurrent saves, and therefore of connections.
const crowd = 8

// together creates crowd records at the same time.
func together(t *testing.T, b driver.Backend, name string) {
	var saving sync.WaitGroup
	for i := range crowd {
		saving.Go(func() {
			if err := create(t, b, fmt.Sprint(name, " ", i)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	saving.Wait()
}

func create(t *testing.T, b driver.Backend, name string) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return b.Create(ctx, sessiontest.Key(name), &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)})
}

// idleReadOnly reports whether an idle connection of a pool leads to a read-only server.
func (e Engine) idleReadOnly(t testing.TB, db *sql.DB) (is bool) {
	t.Helper()
	for range db.Stats().Idle {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		err = conn.QueryRowContext(t.Context(), e.Dialect().OnlyReads).Scan(new(any), new(any))
		is = is || !errors.Is(err, sql.ErrNoRows)
	}
	return is
}
