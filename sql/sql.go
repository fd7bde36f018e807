// Package sql keeps sessions in a table of an SQL database. The providers mysql, postgresql and sqlite are built on it. For
// an application's own *sql.DB it makes a provider:
//
//	db, err := sql.Open("postgres", dsn)
//	…
//	sessions, err := session.New(sessionsql.New(db, postgres.Dialect()), session.NewManagerConfig())
//
// A session is one row. Reading it takes one round trip, changing it takes two: a save compares the version and, on
// databases that support it, returns the other version in the same round trip. A touch changes no indexed column: the index
// that a sweep uses contains the hour of the deadline, and the sweep itself corrects it if the session is still live.
//
// A single clock decides whether a session has expired: the database server's. All nodes share it, so a node whose clock is
// wrong cannot end other nodes' sessions. If there is no server, it is the clock of this machine.
package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// An Option changes a setting of [New].
type Option func(c *config)

// Table sets the name of the table. The default is "sessions", or "session" in beego mode. A schema or database name and a
// dot may precede it.
func Table(name string) Option { return func(c *config) { c.table = name } }

// Schema says what to do with the table when the provider is opened. "create", the default, creates it if it is missing and
// adds what an earlier version's table lacks. "check" only checks the columns. "off" does neither.
func Schema(what string) Option { return func(c *config) { c.schema = what } }

// Prepare says whether to use prepared statements. The default is true: each statement is prepared once on each connection.
// With false, each call sends the text of the statement. PostgreSQL needs that behind a pooler that gives each transaction
// another connection, such as PgBouncer in transaction mode. lib/pq then also needs binary_parameters=yes in its data
// source name, and pgx needs default_query_exec_mode=exec or simple_protocol; without that the provider cannot be opened.
// Other databases do not need false.
func Prepare(prepare bool) Option { return func(c *config) { c.prepare = prepare } }

// New returns a provider that keeps sessions in db. Pass it to [session.New]. The application owns db: it sets the pool's
// limits, and db stays open when a manager is closed. The providerConfig setting must be empty.
func New(db *sql.DB, d *Dialect, opts ...Option) session.Provider {
	return session.NewProvider(func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		return OpenDB(ctx, c, db, d, opts...)
	})
}

// OpenDB opens a backend as the provider of [New] does.
func OpenDB(
	ctx context.Context, c driver.Config, db *sql.DB, d *Dialect, opts ...Option,
) (driver.Backend, error) {
	cfg := defaults(d.tableName(c.Beego))
	for _, opt := range opts {
		opt(&cfg)
	}
	if db == nil {
		return nil, errors.New("session/sql: the *sql.DB is nil")
	}
	if err := checkOptions(c, cfg); err != nil {
		return nil, err
	}
	if err := checkPrepare(cfg, d); err != nil {
		return nil, err
	}
	s, err := open(ctx, newDBPool(db, cfg.prepare), d, cfg, c)
	if err != nil {
		return nil, err
	}
	return s.backend(), nil
}

// OpenPool is [OpenDB] for a pool without database/sql. The functions of the dialect must know the errors of its driver. The pool
// itself decides whether it prepares statements.
func OpenPool(ctx context.Context, c driver.Config, p Pool, d *Dialect, opts ...Option) (driver.Backend, error) {
	cfg := defaults(d.tableName(c.Beego))
	for _, opt := range opts {
		opt(&cfg)
	}
	if err := checkOptions(c, cfg); err != nil {
		return nil, err
	}
	s, err := open(ctx, p, d, cfg, c)
	if err != nil {
		return nil, err
	}
	return s.backend(), nil
}

// checkOptions checks the settings for an application's own pool.
func checkOptions(c driver.Config, cfg config) error {
	if c.Config != "" {
		return configError("providerConfig", "must be empty: the application opens the database")
	}
	if err := errors.Join(checkTable(cfg.table), checkSchema(cfg.schema)); err != nil {
		return fmt.Errorf("session/sql: %w", err)
	}
	return nil
}

// Open opens a backend for the provider config c.Config: a DSN, which it passes to connect, or a JSON object with dsn,
// table, schema, maxOpenConns, maxIdleConns, connMaxLifetime, connMaxIdleTime and prepare. An error of connect must
// describe the form of a DSN and contain no part of this DSN. The connections must implement the interfaces with contexts
// of database/sql/driver, must end a call when its context is done, and must keep nothing of its parameters afterwards. If
// a call gives up waiting for a connection, the pool still finishes opening it, for another call.
//
// The result implements all optional interfaces of a [driver.Backend] except InProcess, [driver.Watcher] only if d.Watch is
// not nil, and [io.Closer], which closes the pool. With c.Beego the table is beego's, see [Beego]: users and aliases cannot
// be listed, and there are no marks and no watch.
func Open(
	ctx context.Context, c driver.Config, d *Dialect, connect func(dsn string) (sqldriver.Connector, error),
) (driver.Backend, error) {
	cfg, err := parse(c.Config, d.tableName(c.Beego))
	if err == nil {
		err = checkPrepare(cfg, d)
	}
	if err != nil {
		return nil, err
	}
	connector, err := connect(cfg.dsn)
	if err != nil {
		return nil, &driver.ConfigError{Field: cfg.field, Err: err}
	}
	o := newOpener(connector, cfg.maxOpen)
	db := sql.OpenDB(keeper{o})
	db.SetMaxOpenConns(cfg.maxOpen)
	db.SetMaxIdleConns(cfg.maxIdle)
	db.SetConnMaxLifetime(cfg.lifetime)
	db.SetConnMaxIdleTime(cfg.idleTime)
	s, err := open(ctx, newRawPool(db, cfg.prepare), d, cfg, c)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.owned = true
	o.keep.Store(true)
	return s.backend(), nil
}

// OpenWith is [Open] for a pool without database/sql, which connect opens. The functions of the dialect must know the
// errors of its driver. Close of the backend closes the pool. If OpenWith returns an error, it has closed the pool.
func OpenWith(
	ctx context.Context, c driver.Config, d *Dialect, connect func(s Settings) (Pool, error),
) (driver.Backend, error) {
	cfg, err := parse(c.Config, d.tableName(c.Beego))
	if err != nil {
		return nil, err
	}
	if cfg.maxIdle != cfg.maxOpen {
		return nil, configError("providerConfig.maxIdleConns", "want none: idle connections stay open until connMaxIdleTime has passed")
	}
	p, err := connect(Settings{cfg.dsn, cfg.maxOpen, cfg.lifetime, cfg.idleTime, cfg.prepare})
	if err != nil {
		return nil, &driver.ConfigError{Field: cfg.field, Err: err}
	}
	s, err := open(ctx, p, d, cfg, c)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	s.owned = true
	return s.backend(), nil
}

// Settings are what a provider config says about a pool.
type Settings struct {
	DSN             string        // not empty, and otherwise not checked
	MaxOpenConns    int           // 1 or more
	ConnMaxLifetime time.Duration // 0 means forever
	ConnMaxIdleTime time.Duration // 0 means forever
	Prepare         bool          // whether statements are prepared
}

func checkPrepare(cfg config, d *Dialect) error {
	if !cfg.prepare && !d.Unprepared {
		return configError("providerConfig.prepare", "want true, or none, because the drivers of this database prepare statements in any case")
	}
	return nil
}

func open(ctx context.Context, db Pool, d *Dialect, cfg config, c driver.Config) (*store, error) {
	if c.Beego {
		if d.Beego == nil {
			return nil, errNoBeego
		}
		d = d.ofBeego(c.Lifetime)
	}
	s := newStore(db, d, cfg.table, c.Namespace)
	s.beego = c.Beego
	if err := s.begin(ctx, cfg, c.Logger); err != nil {
		return nil, fmt.Errorf("session/%s: %w", d.Name, ended(ctx, err))
	}
	return s, nil
}

// begin checks the connection and creates what is missing.
func (s *store) begin(ctx context.Context, cfg config, log *slog.Logger) (err error) {
	if err := s.db.Ping(ctx); err != nil {
		return fmt.Errorf("cannot connect: %w", err)
	}
	prepares := cfg.prepare
	if db, ok := s.db.(*dbPool); ok && prepares && s.dialect.Keeps != nil {
		if err := s.unprepare(ctx, db.db); err != nil {
			return err
		}
		prepares = s.db == db
	}
	if s.dialect.Probe != nil {
		if s.pooled, err = s.dialect.Probe(ctx, s.db, prepares); err != nil {
			return err
		}
	}
	if err := s.setUp(ctx, cfg.schema, log); err != nil || !s.beego {
		return err
	}
	return s.measure(ctx)
}

// unprepare changes to a pool that prepares nothing if the driver of db keeps statements prepared by itself.
func (s *store) unprepare(ctx context.Context, db *sql.DB) error {
	keeps, err := s.dialect.Keeps(ctx, newDBPool(db, false))
	if err != nil || !keeps {
		return err
	}
	full, err := hasRaw(ctx, db)
	if err != nil {
		return err
	}
	if full {
		s.db, s.resends = newRawPool(db, false), false
	} else {
		s.db = newDBPool(db, false)
	}
	return nil
}
