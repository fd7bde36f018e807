package postgres

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"time"

	"github.com/lib/pq"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// A connector makes connections of lib/pq that end a call when its context is done. lib/pq itself asks the server, over
// another connection, to end the statement, and would wait forever for a server that does not answer.
type connector struct {
	*pq.Connector
	dialer *dialer
}

// closeTime limits how long a connection may take to say goodbye, for which there is no context.
const closeTime = 250 * time.Millisecond

func newConnector(dsn string) (sqldriver.Connector, error) {
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, dsnError(err)
	}
	cfg.BinaryParameters = true // a statement that is not prepared takes one round trip, and bytes are sent unchanged
	c, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, dsnError(err)
	}
	d := new(dialer)
	c.Dialer(d)
	return connector{c, d}, nil
}

// Connect implements [sqldriver.Connector]. [sessionsql.Open] always passes a context with a deadline.
func (c connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	w, dialing := sessionsql.NewWire(ctx)
	inner, err := c.Connector.Connect(dialing)
	made := inner
	if pqConn, ok := inner.(pqConn); err == nil && ok && w.Conn() != nil {
		made, err = newConn(pqConn, w)
	}
	if w.Release() { // err is that of a closed wire
		if err == nil {
			made.Close()
		}
		return nil, w.Waiting(ctx.Err())
	}
	return made, err
}

// Close implements [io.Closer]. It waits until no server is being asked to end a statement.
func (c connector) Close() error {
	c.dialer.close()
	return nil
}

// pqConn is the part of database/sql's interfaces that a connection of lib/pq implements.
type pqConn interface {
	sqldriver.Conn
	sqldriver.ConnPrepareContext
	sqldriver.ConnBeginTx
	sqldriver.ExecerContext
	sqldriver.QueryerContext
	sqldriver.Pinger
	sqldriver.SessionResetter
	sqldriver.Validator
	sqldriver.NamedValueChecker
}

// A conn ends as soon as the context of a running call is done, and meanwhile lets lib/pq ask the server to end the
// statement. If lib/pq had the call's context, a prepared statement would wait for the server's reaction. So lib/pq gets no
// context, but watches the context of the query watch.
type conn struct {
	pqConn
	wire  *sessionsql.Wire
	idle  sessionsql.Idle
	watch sqldriver.Rows // a query whose context is done when the connection breaks off
	ask   context.CancelFunc
}

// newConn closes inner if it returns an error. lib/pq watches the context of a query until its rows are closed, even if
// there are no rows.
func newConn(inner pqConn, wire *sessionsql.Wire) (sqldriver.Conn, error) {
	ctx, ask := context.WithCancel(context.Background())
	rows, err := inner.QueryContext(ctx, ";", nil)
	if err != nil {
		ask()
		inner.Close()
		return nil, err
	}
	wire.OnBreak = ask
	return &conn{pqConn: inner, wire: wire, idle: sessionsql.WatchIdle(wire.Conn()), watch: rows, ask: ask}, nil
}

// IsValid implements [sqldriver.Validator]. lib/pq does not notice every end of a TLS connection.
func (c *conn) IsValid() bool { return c.wire.Valid(c.pqConn) }

// ResetSession implements [sqldriver.SessionResetter]. It notices what lib/pq would notice only after it has sent a statement.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.idle.Ended() {
		return sqldriver.ErrBadConn
	}
	return c.wire.Reset(ctx, c.pqConn)
}

// Close implements [sqldriver.Conn].
func (c *conn) Close() error {
	if c.wire.Dead() {
		c.pqConn.Close() // once more
		return nil
	}
	c.wire.Conn().SetDeadline(time.Now().Add(closeTime))
	c.watch.Close()
	c.ask() // there is nothing left to end
	return c.pqConn.Close()
}

func (c *conn) PrepareContext(ctx context.Context, query string) (sqldriver.Stmt, error) {
	g := c.wire.Guard(ctx)
	inner, err := c.pqConn.PrepareContext(context.Background(), query)
	if err = g.End(err); err != nil {
		return nil, err
	}
	if st, ok := inner.(pqStmt); ok {
		return &stmt{st, c.wire}, nil
	}
	return inner, nil
}

func (c *conn) BeginTx(ctx context.Context, opts sqldriver.TxOptions) (sqldriver.Tx, error) {
	g := c.wire.Guard(ctx)
	inner, err := c.pqConn.BeginTx(context.Background(), opts)
	if err != nil {
		return nil, g.End(err)
	}
	return &tx{inner, g}, nil
}

func (c *conn) ExecContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	g := c.wire.Guard(ctx)
	result, err := c.pqConn.ExecContext(context.Background(), query, args)
	return result, g.End(err)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	g := c.wire.Guard(ctx)
	inner, err := c.pqConn.QueryContext(context.Background(), query, args)
	return newRows(inner, err, g)
}

func (c *conn) Ping(ctx context.Context) error {
	g := c.wire.Guard(ctx)
	return g.End(c.pqConn.Ping(context.Background()))
}

// A tx is guarded until its end, because Commit and Rollback have no context.
type tx struct {
	sqldriver.Tx
	guard sessionsql.Guard
}

func (t *tx) Commit() error   { return t.guard.End(t.Tx.Commit()) }
func (t *tx) Rollback() error { return t.guard.End(t.Tx.Rollback()) }

// rows are guarded until they are closed. There is one set of rows.
type rows struct {
	sqldriver.Rows
	guard sessionsql.Guard
}

func newRows(inner sqldriver.Rows, err error, g sessionsql.Guard) (sqldriver.Rows, error) {
	if err != nil {
		return nil, g.End(err)
	}
	return &rows{inner, g}, nil
}

func (r *rows) Next(dest []sqldriver.Value) error { return r.guard.Err(r.Rows.Next(dest)) }
func (r *rows) Close() error                      { return r.guard.End(r.Rows.Close()) }

type pqStmt interface {
	sqldriver.Stmt
	sqldriver.StmtExecContext
	sqldriver.StmtQueryContext
}

type stmt struct {
	pqStmt
	wire *sessionsql.Wire
}

// Close tells the server. It has no context.
func (s *stmt) Close() error {
	s.wire.Conn().SetDeadline(time.Now().Add(closeTime))
	err := s.pqStmt.Close()
	err = errors.Join(err, s.wire.Conn().SetDeadline(time.Time{}))
	if err != nil {
		s.wire.BreakOff()
	}
	return err
}

func (s *stmt) ExecContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	g := s.wire.Guard(ctx)
	result, err := s.pqStmt.ExecContext(context.Background(), args)
	return result, g.End(err)
}

func (s *stmt) QueryContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	g := s.wire.Guard(ctx)
	inner, err := s.pqStmt.QueryContext(context.Background(), args)
	return newRows(inner, err, g)
}
