package sql

import (
	"context"
	"database/sql"
	"errors"
)

// A Pool is what this package needs of a database: a [*sql.DB], or a driver's own pool of connections, see [OpenPool].
// There are few statements, and their texts stay the same, so that a driver can keep them prepared. The methods are safe
// for concurrent use.
type Pool interface {
	// Querier runs each statement on any connection.
	Querier

	// Begin begins a transaction that may run the statements uses. A pool that needs a connection to prepare them does so
	// first: a transaction holds a connection and must not wait for another.
	Begin(ctx context.Context, isolation sql.IsolationLevel, uses ...string) (Tx, error)

	// Conn takes a connection out of the pool.
	Conn(ctx context.Context) (Conn, error)

	// MaxConns returns the maximum number of connections. 0 means that there is no limit.
	MaxConns() int

	// Idle returns the number of idle connections.
	Idle() int

	// Weed calls useless for each idle connection, and ends those for which it returns true.
	Weed(ctx context.Context, useless func(ctx context.Context, c Conn) bool)

	// Columns returns the names of the columns of a query's result.
	Columns(ctx context.Context, query string) ([]string, error)

	// Ping asks whether the server answers.
	Ping(ctx context.Context) error

	// Close ends all connections.
	Close() error
}

// A Querier runs statements with the values of their parameters.
type Querier interface {
	// Exec runs a statement and returns the number of rows that it has changed.
	Exec(ctx context.Context, text string, args []any) (rows int64, err error)

	// QueryRow scans the first row into to. If there is none, its error wraps [sql.ErrNoRows].
	QueryRow(ctx context.Context, text string, args, to []any) error

	// Query calls row for each row, until row returns an error.
	Query(ctx context.Context, text string, args []any, row func(Row) error) error
}

// A Row scans like [sql.Rows], and so fills a [sql.Scanner] too. To avoid the value that a [sql.Scanner] takes, a driver can call
// SetTime(time.Time) of a target that has this method, for a time that is not NULL, and ScanBytes([]byte) error, for bytes.
type Row interface {
	Scan(to ...any) error
}

// A Conn is one connection. It is not safe for concurrent use.
type Conn interface {
	Querier

	// Begin begins a transaction with the server's default isolation.
	Begin(ctx context.Context) (Tx, error)

	// Release returns the connection to the pool. If end is true, it ends the connection, with its settings and locks.
	Release(end bool)
}

// A Tx is a transaction. It is not safe for concurrent use.
type Tx interface {
	Querier

	// Batch runs calls one after the other until one fails, in one round trip if the driver can do that. It sets their Rows.
	Batch(ctx context.Context, calls []Call) error

	// Commit commits the transaction. If its error says that the connection was lost, the server may have committed it.
	Commit(ctx context.Context) error

	// Rollback undoes the transaction. It does nothing after Commit has returned nil.
	Rollback()
}

// A Call is one statement of a batch.
type Call struct {
	Text string          // of the statement
	Args []any           // its parameters
	Row  func(Row) error // called for each row; nil ignores the rows
	Rows int64           // set to the number of changed rows if Row is nil
}

// Unsent marks err as one of a [Pool] that has sent nothing to the server. The text of the error stays the same.
func Unsent(err error) error { return unsent{err} }

type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }

func isUnsent(err error) bool {
	_, ok := errors.AsType[unsent](err)
	return ok
}
