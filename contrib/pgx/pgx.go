package pgx

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	sessionsql "github.com/seed1a8f7c28/session/sql"
	"github.com/seed1a8f7c28/session/sql/pgsql"
)

func init() { session.Register("pgx", session.NewProvider(Open)) }

// An Option changes what [New] does.
type Option = sessionsql.Option

// Table sets the name of the table. The default is "sessions", or "session" in beego mode. A schema and a dot may precede it.
func Table(name string) Option { return sessionsql.Table(name) }

// Schema says what to do with the table when the provider is opened. "create", the default, creates it if it is missing and
// adds what an earlier version's table lacks. "check" only checks the columns. "off" does neither.
func Schema(what string) Option { return sessionsql.Schema(what) }

// New returns a provider for [session.New] that keeps sessions in PostgreSQL over p. The application owns p: the provider does not
// close it and does not change its limits. The providerConfig setting must be empty.
func New(p *pgxpool.Pool, opts ...Option) session.Provider {
	return session.NewProvider(func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		return OpenPool(ctx, c, p, opts...)
	})
}

// OpenPool opens a backend in the same way as the provider that [New] returns.
func OpenPool(ctx context.Context, c driver.Config, p *pgxpool.Pool, opts ...Option) (driver.Backend, error) {
	if p == nil {
		return nil, errors.New("session/pgx: the *pgxpool.Pool is nil")
	}
	cfg := p.Config()
	return sessionsql.OpenPool(ctx, c, newPool(p, cfg), dialect(cfg), opts...)
}

// Open connects to the server that c.Config names, and creates the table if necessary. See [sessionsql.OpenWith].
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	d := dialect(nil)
	return sessionsql.OpenWith(ctx, c, d, func(s sessionsql.Settings) (sessionsql.Pool, error) {
		cfg, err := parse(s)
		if err != nil {
			return nil, errDSN
		}
		d.Watch = watch(cfg.Copy())
		cfg.BeforeConnect = sayGoodbyeSoon
		p, err := pgxpool.NewWithConfig(ctx, cfg)
		if err != nil {
			return nil, err
		}
		return newPool(p, cfg), nil
	})
}

// errDSN replaces the error of pgx, which may contain the password.
var errDSN = errors.New("not a data source name of PostgreSQL: " +
	`want "postgres://user:password@host:5432/dbname?sslmode=verify-full" or "host=… user=… dbname=…"`)

// openTime limits how long opening a connection may take if the DSN has no connect_timeout. If a call gives up earlier, another
// call gets the connection.
const openTime = 30 * time.Second

// parse makes the config of a pool. Parameters of pgxpool in the DSN take precedence over the settings.
func parse(s sessionsql.Settings) (*pgxpool.Config, error) {
	dsn, err := pgx.ParseConfig(s.DSN)
	if err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(s.DSN)
	if err != nil {
		return nil, err
	}
	set := func(param string) bool { return dsn.RuntimeParams[param] != "" }
	if !set("pool_max_conns") {
		cfg.MaxConns = int32(min(s.MaxOpenConns, math.MaxInt32))
	}
	if !set("pool_max_conn_lifetime") {
		cfg.MaxConnLifetime = s.ConnMaxLifetime
	}
	if !set("pool_max_conn_idle_time") {
		cfg.MaxConnIdleTime = s.ConnMaxIdleTime
		if s.ConnMaxIdleTime == 0 {
			cfg.MaxConnIdleTime = math.MaxInt64
		}
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = openTime
	}
	if !s.Prepare && cfg.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	// A call that gets a lost connection tries again over another.
	cfg.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	return cfg, nil
}

var errMode = errors.New(`the connections go through a pooler that gives each transaction another connection, such as PgBouncer in transaction mode, ` +
	`and the statements do not work through it: set "prepare": false in providerConfig, or default_query_exec_mode=exec, ` +
	`simple_protocol or cache_describe in the data source name or in the config of the pool; or set max_prepared_statements in PgBouncer 1.21 or later`)

// dialect returns the dialect for a pool with the config cfg. If cfg is nil, the caller sets Watch.
func dialect(cfg *pgxpool.Config) *sessionsql.Dialect {
	d := pgsql.Dialect()
	d.Name = "pgx"
	d.Probe = func(ctx context.Context, p sessionsql.Pool, _ bool) (pooled bool, err error) {
		return pgsql.Probe(ctx, p, errMode)
	}
	lost := d.Lost
	d.Lost = func(err error) bool { return lost(err) || errors.Is(err, pgconn.ErrConnClosed) }
	if cfg != nil {
		d.Watch = watch(cfg)
	}
	return d
}
