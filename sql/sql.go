// Package sql keeps sessions in a table of an SQL database. It is what the providers mysql, postgresql and
// sqlite have in common; for an application's own *sql.DB, it is a provider of its own:
//
//	db, err := sql.Open("postgres", dsn)
//	…
//	sessions, err := session.New(sessionsql.New(db, postgres.Dialect()), session.NewManagerConfig())
//
// A session is one row. Reading it is one round trip, changing it two: the save compares the version and, where
// the database can do that, brings the other version back with it. A touch changes no indexed column: the index that
// the sweep goes by has the hour of a deadline, which the sweep itself corrects when a session lives on.
//
// Whether a session has expired goes by one clock: the server's. All nodes share it, and a node whose clock
// is wrong ends nobody else's sessions. Where there is no server it is this machine's.
package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"log/slog"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// An Option changes what [New] does.
type Option func(c *config)

// Table is the name of the table, "sessions" by default, and "session" in beego mode. It may have a schema or a database before it, and a dot.
func Table(name string) Option { return func(c *config) { c.table = name } }

// Schema says what is done about the table when the provider is opened: "create", the default, makes it if it is
// not there and adds what one of an earlier version lacks, "check" only checks its columns, "off" does neither.
func Schema(what string) Option { return func(c *config) { c.schema = what } }

// Prepare says whether statements are prepared, as they are by default: each once on each connection. false has each sent with its
// text, for PostgreSQL behind a pooler that gives each transaction another connection, as PgBouncer does in transaction mode. lib/pq
// then needs binary_parameters=yes in its data source name, and pgx default_query_exec_mode=exec or simple_protocol; without
// that the provider cannot be opened. Other databases have no use for it.
func Prepare(prepare bool) Option { return func(c *config) { c.prepare = prepare } }

// New returns a provider that keeps sessions in db, for [session.New]. The pool and its limits are the
// application's, and it stays open. The providerConfig setting must be empty.
func New(db *sql.DB, d *Dialect, opts ...Option) session.Provider {
	return session.NewProvider(func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		return OpenDB(ctx, c, db, d, opts...)
	})
}

// OpenDB opens a backend as the provider that [New] returns does.
func OpenDB(
	ctx context.Context, c driver.Config, db *sql.DB, d *Dialect, opts ...Option,
) (driver.Backend, error) {
	cfg := defaults(d.tableName(c.Beego))
	for _, opt := range opts {
		opt(&cfg)
	}
	switch {
	case c.Config != "":
		return nil, configError("providerConfig", "want none, since the application opens the database")
	case db == nil:
		return nil, errors.New("session/sql: there is no *sql.DB")
	}
	if err := errors.Join(checkTable(cfg.table), checkSchema(cfg.schema)); err != nil {
		return nil, fmt.Errorf("session/sql: %w", err)
	}
	s, err := open(ctx, db, d, cfg, c)
	if err != nil {
		return nil, err
	}
	return s.backend(), nil
}

// Open opens a backend for the provider config c.Config: a DSN, which is given to connect, or a JSON object with
// dsn, table, schema, maxOpenConns, maxIdleConns, connMaxLifetime, connMaxIdleTime and prepare. An error of
// connect says which form a DSN has, and shows nothing of this one. The result implements all optional interfaces
// of a [driver.Backend] but InProcess, [driver.Watcher] if d.Watch is not nil, and [io.Closer], which closes the pool.
// Where a call gives up waiting for a connection, that is opened all the same, for another call.
// With c.Beego the table is beego's, see [Beego]; users and aliases cannot be listed then, nothing is marked, and nothing is watched.
func Open(
	ctx context.Context, c driver.Config, d *Dialect, connect func(dsn string) (sqldriver.Connector, error),
) (driver.Backend, error) {
	cfg, err := parse(c.Config, d.tableName(c.Beego))
	if err != nil {
		return nil, err
	}
	connector, err := connect(cfg.dsn)
	if err != nil {
		return nil, &driver.ConfigError{Field: cfg.field, Err: err}
	}
	o := newOpener(connector, cfg.maxOpen)
	db := sql.OpenDB(o)
	db.SetMaxOpenConns(cfg.maxOpen)
	db.SetMaxIdleConns(cfg.maxIdle)
	db.SetConnMaxLifetime(cfg.lifetime)
	db.SetConnMaxIdleTime(cfg.idleTime)
	s, err := open(ctx, db, d, cfg, c)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.owned = true
	o.keep.Store(true)
	return s.backend(), nil
}

func open(ctx context.Context, db *sql.DB, d *Dialect, cfg config, c driver.Config) (*store, error) {
	if c.Beego {
		if d.Beego == nil {
			return nil, errNoBeego
		}
		d = d.ofBeego(c.Lifetime)
	}
	if !cfg.prepare {
		if !d.Unprepared {
			return nil, configError("providerConfig.prepare", "want true, or none: drivers of this database prepare statements in any case")
		}
		own := *d
		own.unprepared = true
		d = &own
	}
	s := newStore(db, d, cfg.table, c.Namespace)
	s.beego = c.Beego
	if err := s.begin(ctx, cfg.schema, c.Logger); err != nil {
		return nil, fmt.Errorf("session/%s: %w", d.Name, ended(ctx, err))
	}
	return s, nil
}

// begin looks at the database, and makes what is missing.
func (s *store) begin(ctx context.Context, schema string, log *slog.Logger) (err error) {
	if err := s.db.PingContext(ctx); err != nil {
		return fmt.Errorf("cannot connect: %w", err)
	}
	if s.dialect.Probe != nil {
		if s.pooled, err = s.dialect.Probe(ctx, s.db, !s.dialect.unprepared); err != nil {
			return err
		}
	}
	if err := s.setUp(ctx, schema, log); err != nil || !s.beego {
		return err
	}
	return s.measure(ctx)
}
