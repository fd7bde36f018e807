// Package sqltest contains the tests that all packages of SQL databases share: see [Engine.Test].
package sqltest

import (
	"context"
	"database/sql"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// An Engine is the database and driver under test.
type Engine struct {
	Driver   string                     // the name for database/sql
	Dialect  func() *sessionsql.Dialect // of the package under test
	Node     sessiontest.Open           // Open of the package under test
	New      func() session.Provider    // of the package under test; nil makes a provider from Node
	Database func(t testing.TB) string  // creates an empty database and returns its DSN; nil if there is a Server
	DSN      func(config string) string // converts a provider config to the driver's DSN; nil if they are the same
	Server   *Server                    // nil if the database is in this process

	// Pool opens a *sql.DB as an application may have one. Nil means sql.Open with the driver.
	Pool func(t testing.TB, dsn string) *sql.DB

	// App opens an application's pool that is not a *sql.DB, with at most maxConns connections, or without a limit if that is
	// 0. Nil means the *sql.DB that Pool opens.
	App func(t testing.TB, dsn string, maxConns int) App

	// Testdata is the folder with the files of the first version. "" means testdata.
	Testdata string

	// LostCreations is how many creations may fail over an application's pool whose idle connections were lost.
	LostCreations int

	// DriverOnly leaves out the tests that another engine with a different driver already runs.
	DriverOnly bool
}

// A Server is the database server of an engine.
type Server struct {
	Shared func(t testing.TB) *servertest.SQLServer                          // shared by all tests
	Start  func(t testing.TB, o servertest.SQLOptions) *servertest.SQLServer // for t only

	// Disconnect ends the connections to the database, except those of db.
	Disconnect func(t testing.TB, db *sql.DB)

	// ReadOnly makes a server read-only, like a replica, and returns a function that switches this on and off. dsn is for
	// users whom it affects.
	ReadOnly func(t testing.TB, s *servertest.SQLServer, database string) (dsn string, readOnly func(on bool))

	// Failover starts two servers for t. The second takes over from the first.
	Failover func(t testing.TB, e Engine) *Failover

	// Encrypted says that a proxy cannot read what passes through it.
	Encrypted bool

	// ShowsUnflushed says that others see a transaction before it is safe from a crash.
	ShowsUnflushed bool

	// Immediate says that the server has an immediate shutdown, which finishes nothing.
	Immediate bool

	// Serializable is a DSN suffix that makes all transactions serializable. Zones are DSN suffixes for different time
	// zones. Params are DSN suffixes that change how rows are counted.
	Serializable  string
	Zones, Params []string
}

// Provider returns the provider under test.
func (e Engine) Provider() session.Provider {
	if e.New != nil {
		return e.New()
	}
	return session.NewProvider(e.Node)
}

// Harness returns the harness for package sessiontest.
func (e Engine) Harness() sessiontest.Harness {
	return sessiontest.Harness{
		Store: func(t testing.TB) sessiontest.Open {
			dsn := e.Empty(t)
			return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
				c.Config = dsn
				return e.Node(ctx, c)
			}
		},
		Local:   e.Server == nil,
		Bounded: true,
		Floor:   e.Floor,
	}
}

// Empty creates an empty database and returns its DSN.
func (e Engine) Empty(t testing.TB) string {
	t.Helper()
	if e.Server == nil {
		return e.Database(t)
	}
	s := e.Server.Shared(t)
	return s.DSN(s.NewDatabase(t))
}

// proxied is Empty with a proxy before the server.
func (e Engine) proxied(t testing.TB) (*servertest.Proxy, string) {
	t.Helper()
	s := e.Server.Shared(t)
	proxy := servertest.NewProxy(t, s.Addr)
	return proxy, s.DSNVia(proxy.Addr, s.NewDatabase(t))
}

// An App is an application's own pool.
type App struct {
	// Open opens a backend over it.
	Open  func(ctx context.Context, c driver.Config, opts ...sessionsql.Option) (driver.Backend, error)
	Take  func(ctx context.Context) (giveBack func(), err error) // a connection
	Conns func() (open, used int)

	// IdleReadOnly reports whether a connection that nobody uses is one to a server that only reads.
	IdleReadOnly func(t testing.TB) bool
}

// app opens an application's pool.
func (e Engine) app(t testing.TB, dsn string, maxConns int) App {
	t.Helper()
	if e.App != nil {
		return e.App(t, dsn, maxConns)
	}
	var db *sql.DB
	if e.Pool != nil {
		db = e.Pool(t, dsn)
	} else {
		db = e.DB(t, dsn)
		db.SetMaxIdleConns(crowd)
	}
	db.SetMaxOpenConns(maxConns)
	return App{
		Open: func(ctx context.Context, c driver.Config, opts ...sessionsql.Option) (driver.Backend, error) {
			return sessionsql.OpenDB(ctx, c, db, e.Dialect(), opts...)
		},
		Take: func(ctx context.Context) (func(), error) {
			conn, err := db.Conn(ctx)
			return func() { conn.Close() }, err
		},
		Conns: func() (open, used int) {
			stats := db.Stats()
			return stats.OpenConnections, stats.InUse
		},
		IdleReadOnly: func(t testing.TB) bool { return e.idleReadOnly(t, db) },
	}
}

// Provider is over the pool.
func (a App) Provider(opts ...sessionsql.Option) session.Provider {
	return session.NewProvider(func(ctx context.Context, c driver.Config) (driver.Backend, error) { return a.Open(ctx, c, opts...) })
}

// own opens a backend on an application's pool, until the test ends.
func (e Engine) own(t testing.TB, dsn string, maxConns int, opts ...sessionsql.Option) driver.Backend {
	t.Helper()
	b, err := e.app(t, dsn, maxConns).Open(context.Background(), driver.Config{}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.(io.Closer).Close() })
	return b
}

// DB opens a pool for the test. It is closed when t ends.
func (e Engine) DB(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(e.Driver, e.driverDSN(dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (e Engine) driverDSN(dsn string) string {
	if e.DSN != nil {
		return e.DSN(dsn)
	}
	return dsn
}

// Open opens a backend on a pool. It is closed when t ends.
func (e Engine) Open(t testing.TB, db *sql.DB) driver.Backend {
	t.Helper()
	b, err := sessionsql.OpenDB(context.Background(), driver.Config{}, db, e.Dialect())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.(io.Closer).Close() })
	return b
}

// Manager opens a manager. It is closed when t ends.
func Manager(t testing.TB, p session.Provider, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	m, err := session.New(p, session.NewManagerConfig(opts...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return m
}

// Exec runs a statement, and ends the test if that fails.
func Exec(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement, args...); err != nil {
		t.Fatalf("%.100s: %v", statement, err)
	}
}

// Int runs a query for one number, and ends the test if that fails.
func Int(t testing.TB, db *sql.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%.100s: %v", query, err)
	}
	return n
}

// mark returns the nth placeholder.
func (e Engine) mark(n int) string {
	if e.Dialect().Numbered {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

// Floor returns the operation for benchmarks to compare with: a plain prepared statement of the driver that reads or writes
// 128 bytes.
func (e Engine) Floor(t testing.TB) func(write bool) error {
	t.Helper()
	db := e.DB(t, e.Empty(t))
	db.SetMaxIdleConns(16)
	kind := map[string]string{"postgres": "bytea", "pgx": "bytea", "mysql": "BINARY(32)", "sqlite": "BLOB"}[e.Driver]
	data := map[string]string{"postgres": "bytea", "pgx": "bytea", "mysql": "MEDIUMBLOB", "sqlite": "BLOB"}[e.Driver]
	Exec(t, db, "CREATE TABLE bare (id "+kind+" PRIMARY KEY, data "+data+")")
	id := []byte(strings.Repeat("k", 32))
	Exec(t, db, "INSERT INTO bare VALUES ("+e.mark(1)+", "+e.mark(2)+")", id, make([]byte, 128))
	read := prepare(t, db, "SELECT data FROM bare WHERE id = "+e.mark(1))
	write := prepare(t, db, "UPDATE bare SET data = "+e.mark(1)+" WHERE id = "+e.mark(2))
	n := byte(0)
	return func(change bool) error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // as every call has one
		defer cancel()
		if change {
			n++
			written := make([]byte, 128)
			written[0] = n
			_, err := write.ExecContext(ctx, written, id)
			return err
		}
		var data []byte
		return read.QueryRowContext(ctx, id).Scan(&data)
	}
}

func prepare(t testing.TB, db *sql.DB, text string) *sql.Stmt {
	t.Helper()
	st, err := db.PrepareContext(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}
