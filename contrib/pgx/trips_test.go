package pgx_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"testing"
	"time"

	pgxv5 "github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
	"github.com/seed1a8f7c28/session/sql/pgsql"
)

// TestPoolTrips counts the round trips over a *sql.DB of an application's pgxpool, of which database/sql keeps no connection: nothing is
// prepared by database/sql that pgx keeps prepared by itself.
func TestPoolTrips(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	db := stdlib.OpenDBFromPool(newPool(t, server.DSNVia(proxy.Addr, server.NewDatabase(t)), 0))
	defer db.Close()
	b, err := sessionsql.OpenDB(t.Context(), driver.Config{}, db, postgres.Dialect())
	if err != nil {
		t.Fatal(err)
	}
	key := sessiontest.Key("k")
	rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)}
	if err := b.Create(t.Context(), key, rec); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(2 * time.Hour)
	for name, do := range map[string]func() error{
		"Load":   func() error { return b.Load(t.Context(), key, new(driver.Record)) },
		"Save":   func() error { return b.Save(t.Context(), key, rec) },
		"Touch":  func() error { later = later.Add(time.Minute); return b.Touch(t.Context(), key, later) },
		"Delete": func() error { return b.Delete(t.Context(), sessiontest.Key("other"), 0) },
	} {
		for round := range 3 { // the first prepares
			proxy.ResetTrips()
			if err := do(); err != nil && !errors.Is(err, session.ErrNotFound) {
				t.Fatalf("%s: %v", name, err)
			}
			if got := proxy.Trips(); round > 0 && got != 1 {
				t.Errorf("%s: %d round trips, want 1", name, got)
			}
		}
	}
}

// A preparing connection has database/sql prepare whatever it sends.
type preparing struct{ sqldriver.Conn }

type preparingConnector struct{ sqldriver.Connector }

func (c preparingConnector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	return preparing{conn}, err
}

// TestKeeps asks drivers whether they keep prepared what they are sent.
func TestKeeps(t *testing.T) {
	dsn := engine.Empty(t)
	cfg, err := pgxv5.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	pq, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		db   *sql.DB
		want bool
	}{
		{"pgx", engine.DB(t, dsn), true},
		{"pgxpool", openPool(t, dsn), true},
		{"pgx in the mode exec", engine.DB(t, dsn+"&default_query_exec_mode=exec"), false},
		{"pgx behind what only prepares", sql.OpenDB(preparingConnector{stdlib.GetConnector(*cfg)}), false},
		{"lib/pq", pq, false},
	} {
		d, got := pgsql.Dialect(), false
		keeps := d.Keeps
		d.Keeps = func(ctx context.Context, db sessionsql.Pool) (is bool, err error) {
			got, err = keeps(ctx, db)
			return got, err
		}
		if _, err := sessionsql.OpenDB(t.Context(), driver.Config{}, tt.db, d); err != nil || got != tt.want {
			t.Errorf("%s: %t, want %t: %v", tt.name, got, tt.want, err)
		}
		tt.db.Close()
	}
}
