package postgres_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestOpenFails(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	proxy.Blackhole(true)
	refusing := servertest.NewProxy(t, server.Addr)
	refusing.Refuse(true)
	database := server.NewDatabase(t)
	dsn := server.DSN(database)
	db := engine.DB(t, dsn)
	role := "no_right_" + database
	sqltest.Exec(t, db, "CREATE ROLE "+role+" LOGIN PASSWORD 's3cr3t'")
	engine.MakeOld(t, db, "old")
	sqltest.Exec(t, db, "GRANT SELECT, INSERT, UPDATE, DELETE ON old TO "+role)
	t.Cleanup(func() { sqltest.Exec(t, db, "DROP TABLE old"); sqltest.Exec(t, db, "DROP ROLE "+role) })
	const secret = "s3cr3t"
	as := func(user, password, addr string) string {
		return "postgres://" + user + ":" + password + "@" + addr + "/" + database + "?sslmode=disable"
	}
	engine.OpenFails(t, secret, []sqltest.Failure{
		{Name: "no DSN", Config: "", Says: "providerConfig"},
		{Name: "bad DSN", Config: "postgres://u:s3cr3t@[::1/db", Says: "providerConfig: not a data source name"},
		{Name: "bad DSN in an object", Config: `{"dsn": "postgres://u:s3cr3t@host:port/db"}`, Says: "providerConfig.dsn: not a data source name"},
		{
			Name: "misspelt sslmode", Config: "postgres://u:s3cr3t@host/db?sslmode=disabel",
			Says: "providerConfig: the parameter sslmode has a wrong value: want disable, allow, prefer, require, verify-full, or verify-ca",
		},
		{
			Name: "password in the place of a mode", Config: "host=host sslmode='s3cr3t; supported values are s3cr3t'",
			Says: "the parameter sslmode has a wrong value: want disable",
		},
		{
			Name: "no number", Config: `{"dsn": "postgres://u:s3cr3t@host/db?connect_timeout=s3cr3t"}`,
			Says: "providerConfig.dsn: the parameter connect_timeout has a wrong value",
		},
		{Name: "unknown key", Config: `{"dsn": "postgres://u:s3cr3t@host/db", "tabel": "x"}`, Says: "providerConfig.tabel: unknown key"},
		{Name: "refused", Config: as("u", secret, refusing.Addr), Says: "cannot connect"},
		{Name: "no answer", Config: as("u", secret, proxy.Addr), Says: "cannot connect: waiting for " + proxy.Addr, Silent: true},
		{Name: "wrong password", Config: as(server.User, secret, server.Addr), Says: "password authentication failed"},
		{Name: "no such database", Config: strings.Replace(dsn, database, "no_such", 1), Says: "does not exist"},
		{Name: "no right", Config: as(role, secret, server.Addr), Says: "cannot create the table sessions: pq: permission denied"},
		{
			Name: "no right to upgrade", Config: `{"dsn": "` + as(role, secret, server.Addr) + `", "table": "old"}`,
			Says: "the table old lacks the columns alias, meta of version 2: run the statements of schema.1to2.sql of package sql/pgsql",
		},
	})
}

// TestParameters opens with what a DSN may say about connecting. The connection lasts longer than that may take.
func TestParameters(t *testing.T) {
	server := servertest.Postgres(t)
	refusing := servertest.NewProxy(t, server.Addr)
	refusing.Refuse(true)
	database := server.NewDatabase(t)
	dsn := server.DSN(database)
	for name, dsn := range map[string]string{
		"connect_timeout": dsn + "&connect_timeout=3",
		"two servers":     dsn + "&host=127.0.0.1,127.0.0.1&port=" + port(refusing.Addr) + "," + port(server.Addr),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := postgres.Open(t.Context(), driver.Config{Config: dsn})
			if err != nil {
				t.Fatal(err)
			}
			defer b.(io.Closer).Close()
			key, rec := sessiontest.Key(name), &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)}
			if err := b.Create(t.Context(), key, rec); err != nil {
				t.Fatal(err)
			}
			time.Sleep(4 * time.Second)
			if err := b.Save(t.Context(), key, rec); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCallEnds has a call end with its context, and not when connect_timeout is over: so long lib/pq would wait for the
// server to hear that it shall end the statement.
func TestCallEnds(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	dsn := server.DSNVia(proxy.Addr, server.NewDatabase(t)) + "&connect_timeout=40"
	b, err := postgres.Open(t.Context(), driver.Config{Config: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer b.(io.Closer).Close()
	if err := b.Load(t.Context(), sessiontest.Key("a"), new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
		t.Fatal(err)
	}
	proxy.Blackhole(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err = b.Load(ctx, sessiontest.Key("a"), new(driver.Record))
	if took := time.Since(begin); err == nil || took > 20*time.Second {
		t.Errorf("Load: %v after %v", err, took)
	}
}

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// TestHOT touches sessions as a busy site does: nearly all updates leave the indexes alone.
func TestHOT(t *testing.T) {
	db := engine.DB(t, engine.Empty(t))
	b := engine.Open(t, db)
	engine.Fill(t, db, 5000)
	entries := make([]string, 0, 5000)
	for entry, err := range b.(driver.Lister).List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry.Key)
	}
	for i := range 10_000 {
		expires := time.Now().Add(2*time.Hour + time.Duration(i)*time.Second)
		if err := b.Touch(t.Context(), entries[rand.N(len(entries))], expires); err != nil {
			t.Fatal(err)
		}
	}
	var updated, hot int
	for range 100 { // statistics come late
		sqltest.Exec(t, db, "SELECT pg_stat_force_next_flush()")
		updated = sqltest.Int(t, db, "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'sessions'")
		hot = sqltest.Int(t, db, "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'sessions'")
		if updated > 9000 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("%d of %d updates were HOT", hot, updated)
	if updated < 9000 || hot*100 < updated*98 {
		t.Errorf("%d of %d updates were HOT, want 98 %%", hot, updated)
	}
}

// TestUpgradeWaits has somebody read the table for longer, as a backup does: the upgrade waits, and nobody waits for it.
func TestUpgradeWaits(t *testing.T) {
	dsn := engine.Empty(t)
	db := engine.DB(t, dsn)
	engine.MakeOld(t, db, "sessions")
	old := engine.OpenOld(t, db)
	reader, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Rollback()
	if _, err := reader.Exec("SELECT 1 FROM sessions"); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		b, err := postgres.Open(context.Background(), driver.Config{Config: dsn})
		if err == nil {
			err = b.(io.Closer).Close()
		}
		opened <- err
	}()
	for begin := time.Now(); time.Since(begin) < 3*time.Second; time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if err := old.Load(ctx, sessiontest.Key("k"), new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
			t.Fatalf("Load meanwhile: %v", err)
		}
		cancel()
	}
	select {
	case err := <-opened:
		t.Fatalf("Open = %v while the table is read", err)
	default:
	}
	reader.Rollback()
	if err := <-opened; err != nil {
		t.Errorf("Open = %v", err)
	}
}

// TestUpgradeBrokenOff has the making of the index end in the middle: what that leaves is no index, and is made again.
func TestUpgradeBrokenOff(t *testing.T) {
	dsn := engine.Empty(t)
	db := engine.DB(t, dsn)
	engine.Open(t, db)
	sqltest.Exec(t, db, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass('sessions_alias')")
	engine.Open(t, db)
	if n := sqltest.Int(t, db, "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('sessions_alias') AND indisvalid"); n != 1 {
		t.Error("the index is not there")
	}
}

// TestCloseLate closes when the time of the last call is long over.
func TestCloseLate(t *testing.T) {
	b, err := postgres.Open(t.Context(), driver.Config{Config: engine.Empty(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	for range 2 {
		if err := b.Load(ctx, sessiontest.Key("k"), new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
			t.Fatal(err)
		}
	}
	<-ctx.Done()
	time.Sleep(500 * time.Millisecond)
	if err := b.(io.Closer).Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// TestSweepLocked has somebody work on an expired row: no sweep waits for that, also if it is to tell whose it was.
func TestSweepLocked(t *testing.T) {
	db := engine.DB(t, engine.Empty(t))
	b := engine.Open(t, db)
	for _, name := range []string{"locked", "free"} {
		rec := &driver.Record{User: name, Created: time.Now(), Expires: time.Now().Add(-time.Hour)}
		if err := b.Create(t.Context(), sessiontest.Key(name), rec); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("SELECT 1 FROM sessions WHERE user_id = 'locked' FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var told []string
	n, err := b.(driver.Sweeper).Sweep(ctx, func(_, user string) { told = append(told, user) })
	if n != 1 || err != nil || len(told) != 1 || told[0] != "free" {
		t.Errorf("Sweep = %d, %v, and told of %q, want the free one", n, err, told)
	}
}

func TestInfiniteTimes(t *testing.T) { engine.InfiniteTimes(t) }
