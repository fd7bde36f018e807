package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

func open(t testing.TB, dsn string) *session.Manager {
	t.Helper()
	m, err := session.New(postgres.New(), session.NewManagerConfig(session.CfgProviderConfig(dsn)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDoneOnAnotherNode measures how long after a logout on one node another hears of it.
func TestDoneOnAnotherNode(t *testing.T) {
	dsn := engine.Empty(t)
	faulttest.Told(t, func() *session.Manager { return open(t, dsn) })
}

// TestDoneOwnPool is the same with a pool of the application's own.
func TestDoneOwnPool(t *testing.T) {
	dsn := engine.Empty(t)
	db := engine.DB(t, dsn)
	faulttest.Told(t, func() *session.Manager {
		d := postgres.Dialect()
		d.Watch = postgres.Watch(dsn)
		m, err := session.New(sessionsql.New(db, d), session.NewManagerConfig())
		if err != nil {
			t.Fatal(err)
		}
		return m
	})
}

// TestDoneAfterABreak ends a session while the connection that listens is broken.
func TestDoneAfterABreak(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	database := server.NewDatabase(t)
	m := open(t, server.DSNVia(proxy.Addr, database))
	t.Cleanup(func() { m.Close() })
	other := open(t, server.DSN(database))
	t.Cleanup(func() { other.Close() })
	db := engine.DB(t, server.DSN(database))
	for name, outage := range map[string]func() (end func()){
		"refused":   func() func() { proxy.Refuse(true); proxy.Reset(); return func() { proxy.Refuse(false) } },
		"blackhole": func() func() { proxy.Blackhole(true); return func() { proxy.Blackhole(false) } },
		"terminated": func() func() {
			proxy.Refuse(true) // so that it stays away for a while
			sqltest.Exec(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			return func() { proxy.Refuse(false) }
		},
	} {
		t.Run(name, func(t *testing.T) { faulttest.ToldAfter(t, m, other, outage) })
	}
}

// TestDeaf has a pool of another database than the one that the DSN names, so that no notice comes through, as with a
// pooler that gives each transaction any connection.
func TestDeaf(t *testing.T) {
	t.Parallel()
	dsn := engine.Empty(t)
	d := postgres.Dialect()
	d.Watch = postgres.Watch(engine.Empty(t))
	b, err := sessionsql.OpenDB(t.Context(), driver.Config{}, engine.DB(t, dsn), d)
	if err != nil {
		t.Fatal(err)
	}
	defer b.(io.Closer).Close()
	err = b.(driver.Watcher).Watch(t.Context(), func() { t.Error("resync") }, func(string) { t.Error("told") })
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Watch = %v, want ErrUnsupported", err)
	}
}

// TestWatchFails checks that what cannot connect says so, in time and without the password.
func TestWatchFails(t *testing.T) {
	t.Parallel()
	server := servertest.Postgres(t)
	silent := servertest.NewProxy(t, server.Addr)
	silent.Blackhole(true)
	for name, watched := range map[string]string{
		"no server":      "postgres://u:s3cr3t@127.0.0.1:9/db?sslmode=disable",
		"words":          "host=127.0.0.1 port=9 user=u password=s3cr3t dbname=db sslmode=disable",
		"wrong password": "postgres://" + server.User + ":s3cr3t@" + server.Addr + "/postgres?sslmode=disable",
		"no answer":      server.DSNVia(silent.Addr, "postgres"),
		"no URL":         "postgres://u:s3cr3t@127.0.0.1:port/db",
		"no words":       "u:s3cr3t@tcp(127.0.0.1:9)/db",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := postgres.Watch(watched)(t.Context(), nil, "channel", func() { t.Error("resync") }, func(string) { t.Error("told") })
			if err == nil || errors.Is(err, errors.ErrUnsupported) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("Watch = %v", err)
			}
		})
	}
}

// watching watches until the test ends.
func watching(t *testing.T) (b driver.Backend, db *sql.DB, channel string, told chan string, resynced chan bool) {
	t.Helper()
	dsn := engine.Empty(t)
	b, err := postgres.Open(t.Context(), driver.Config{Config: dsn})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	told, resynced = make(chan string), make(chan bool, 10)
	ended := make(chan error, 1)
	go func() {
		ended <- b.(driver.Watcher).Watch(ctx, func() { resynced <- true }, func(key string) {
			select {
			case told <- key:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch = %v", err)
		}
		b.(io.Closer).Close()
	})
	<-resynced
	db = engine.DB(t, dsn)
	if err := db.QueryRow(`SELECT substring(query FROM 'session_[0-9a-f]*') FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN %'`).Scan(&channel); err != nil {
		t.Fatal(err)
	}
	return b, db, channel, told, resynced
}

// TestWatchStrangers sends what is none of ours.
func TestWatchStrangers(t *testing.T) {
	b, db, channel, told, resynced := watching(t)
	for _, payload := range []string{"x", "abcd", "probe x", "é", "00"} {
		sqltest.Exec(t, db, "SELECT pg_notify($1, $2)", channel, payload)
	}
	key := sessiontest.Key("k")
	rec := &driver.Record{Expires: time.Now().Add(time.Hour)}
	if err := errors.Join(b.Create(t.Context(), key, rec), b.Delete(t.Context(), key, 0)); err != nil {
		t.Fatal(err)
	}
	if got := <-told; got != key {
		t.Errorf("told of %q, want the key", got)
	}
	clear := b.(driver.Clearer).Clear
	if err := errors.Join(clear(t.Context()), b.Create(t.Context(), key, rec), clear(t.Context())); err != nil {
		t.Fatal(err)
	}
	<-resynced
	if len(resynced) > 0 {
		t.Error("Clear of nothing was told, or one was told twice")
	}
}

// TestManyNotices has more come than can be taken up, for longer than it takes to ask whether the server is there.
func TestManyNotices(t *testing.T) {
	t.Parallel()
	_, db, channel, told, _ := watching(t)
	const n = 5000
	sqltest.Exec(t, db, `SELECT pg_notify($1, encode(sha256(i::text::bytea), 'hex')) FROM generate_series(1, $2) AS i`, channel, n)
	keys := make(map[string]bool)
	for range n {
		time.Sleep(2500 * time.Microsecond)
		select {
		case key := <-told:
			keys[key] = true
		case <-time.After(20 * time.Second):
			t.Fatalf("told of %d, and of no more", len(keys))
		}
	}
	if len(keys) != n {
		t.Errorf("told of %d, want %d", len(keys), n)
	}
}
