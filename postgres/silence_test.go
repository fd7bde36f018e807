package postgres_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// overTLS is the engine with a server of t's own.
func overTLS(t *testing.T) sqltest.Engine {
	e, own := engine, *engine.Server
	server := servertest.StartPostgres(t, servertest.SQLOptions{TLS: servertest.NewCerts(t)})
	own.Shared = func(testing.TB) *servertest.SQLServer { return server }
	own.Encrypted = true
	e.Server = &own
	return e
}

func TestSilenceOverTLS(t *testing.T) { overTLS(t).Silence(t) }

// TestServerHears has a call wait for others until its time is over: the server, which would go on waiting, is asked to
// end the statement.
func TestServerHears(t *testing.T) {
	for name, e := range map[string]sqltest.Engine{"plain": engine, "TLS": overTLS(t)} {
		t.Run(name, func(t *testing.T) { serverHears(t, e) })
	}
}

func serverHears(t *testing.T, e sqltest.Engine) {
	dsn := e.Empty(t)
	db := e.DB(t, dsn)
	b, err := postgres.Open(t.Context(), driver.Config{Config: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer b.(io.Closer).Close()
	if n, err := b.(driver.Counter).Count(t.Context()); n != 0 || err != nil { // which prepares the statement
		t.Fatal(n, err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("LOCK TABLE sessions"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := b.(driver.Counter).Count(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Count while others have the table: %v", err)
	}
	const waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
	for range 500 {
		if sqltest.Int(t, db, waiting) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the server still waits for the table")
}

// TestCloseAfterSilence closes while the server is asked to end a statement: that is over then.
func TestCloseAfterSilence(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	b, err := postgres.Open(t.Context(), driver.Config{Config: server.DSNVia(proxy.Addr, server.NewDatabase(t))})
	if err != nil {
		t.Fatal(err)
	}
	proxy.Blackhole(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := b.Load(ctx, sessiontest.Key("k"), new(driver.Record)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Load: %v", err)
	}
	begin := time.Now()
	err = b.(io.Closer).Close()
	if took := time.Since(begin); err != nil || took > 10*time.Second {
		t.Errorf("Close: %v after %v", err, took)
	}
}
