package postgres_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/servertest"
	"github.com/seed1a8f7c28/session/internal/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestPool(t *testing.T) { engine.Pool(t) }

func TestExhausted(t *testing.T) { engine.Exhausted(t) }

func TestTwoProcesses(t *testing.T) { engine.TwoProcesses(t, engine.Database(t)) }

func TestSweep(t *testing.T) { engine.Sweep(t, sqltest.SweepSize()) }

func TestTrips(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	engine.Trips(t, server.DSNVia(proxy.Addr, server.NewDatabase(t)), proxy)
}

func TestSetUp(t *testing.T) { engine.SetUp(t) }

func TestLostAnswer(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	dsn := server.DSNVia(proxy.Addr, server.NewDatabase(t))
	t.Run("reset", func(t *testing.T) { engine.LostAnswer(t, dsn, func() { proxy.ResetAfter(0) }) })
	t.Run("ended", func(t *testing.T) { engine.LostAnswer(t, dsn, func() { proxy.TruncateAfter(0) }) })
}

func TestConnectionsReset(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	engine.Broken(t, server.DSNVia(proxy.Addr, server.NewDatabase(t)), 30, func(round int) { proxy.ResetAfter(round * 7) })
}

func TestRestart(t *testing.T) {
	server := servertest.StartPostgres(t, servertest.SQLOptions{})
	engine.Broken(t, server.DSN(server.NewDatabase(t)), 2, func(round int) {
		if round == 0 {
			server.Stop(t)
		} else {
			server.Kill(t)
		}
		time.Sleep(200 * time.Millisecond)
		server.Start(t)
		time.Sleep(200 * time.Millisecond)
	})
}

func TestTerminated(t *testing.T) {
	dsn := engine.Database(t)
	db := engine.DB(t, dsn)
	engine.Broken(t, dsn, 20, func(int) {
		sqltest.Exec(t, db, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity `+
			`WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	})
}

// TestSerializable has all transactions be serializable: their failures are tried again.
func TestSerializable(t *testing.T) {
	engine.TwoProcesses(t, engine.Database(t)+"&default_transaction_isolation=serializable")
}

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
	t.Cleanup(func() { sqltest.Exec(t, db, "DROP ROLE "+role) })
	const secret = "s3cr3t"
	as := func(user, password, addr string) string {
		return "postgres://" + user + ":" + password + "@" + addr + "/" + database + "?sslmode=disable"
	}
	engine.OpenFails(t, secret, []sqltest.Failure{
		{Name: "no DSN", Config: "", Says: "providerConfig"},
		{Name: "bad DSN", Config: "postgres://u:s3cr3t@[::1/db", Says: "providerConfig: not a data source name"},
		{Name: "bad DSN in an object", Config: `{"dsn": "postgres://u:s3cr3t@host:port/db"}`, Says: "providerConfig.dsn: not a data source name"},
		{Name: "unknown key", Config: `{"dsn": "postgres://u:s3cr3t@host/db", "tabel": "x"}`, Says: "providerConfig.tabel: unknown key"},
		{Name: "refused", Config: as("u", secret, refusing.Addr), Says: "cannot connect"},
		{Name: "no answer", Config: as("u", secret, proxy.Addr), Says: "cannot connect"},
		{Name: "wrong password", Config: as(server.User, secret, server.Addr), Says: "password authentication failed"},
		{Name: "no such database", Config: strings.Replace(dsn, database, "no_such", 1), Says: "does not exist"},
		{Name: "no right", Config: as(role, secret, server.Addr), Says: "cannot make the table sessions: pq: permission denied"},
	})
}

// TestHOT touches sessions as a busy site does: nearly all updates leave the indexes alone.
func TestHOT(t *testing.T) {
	db := engine.DB(t, engine.Database(t))
	b := engine.Open(t, db)
	engine.Fill(t, db, 5000)
	entries := make([]string, 0, 5000)
	for entry, err := range b.(session.Lister).List(t.Context()) {
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

func TestSilent(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	engine.Silent(t, server.DSNVia(proxy.Addr, server.NewDatabase(t)), proxy.Blackhole)
}

// TestCloseLate closes when the time of the last call is long over.
func TestCloseLate(t *testing.T) {
	b, err := postgres.Open(t.Context(), session.BackendConfig{Config: engine.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for range 2 {
		if err := b.Load(ctx, sessiontest.Key("k"), new(session.Record)); !errors.Is(err, session.ErrNotFound) {
			t.Fatal(err)
		}
	}
	time.Sleep(1500 * time.Millisecond)
	if err := b.(io.Closer).Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
