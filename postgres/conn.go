package postgres

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"time"

	"github.com/lib/pq"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// A connector makes connections of lib/pq that end a call when its context does. lib/pq leaves it to the server to end a
// statement whose context is done, and asks it to over another connection: with a server that does not answer it would
// wait for ever.
type connector struct {
	*pq.Connector
	dialer *dialer
}

// closeTime is how long a connection may take to say goodbye, for which there is no context.
const closeTime = 250 * time.Millisecond

func newConnector(dsn string) (sqldriver.Connector, error) {
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, errDSN
	}
	cfg.BinaryParameters = true // a statement that is not prepared is one trip, and bytes are sent as they are
	c, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, errDSN
	}
	d := new(dialer)
	c.Dialer(d)
	return connector{c, d}, nil
}

// Connect implements [sqldriver.Connector]. [sessionsql.Open] always gives it a deadline.
func (c connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	w, dialing := sessionsql.NewWire(ctx)
	inner, err := c.Connector.Connect(dialing)
	made := inner
	if pqConn, ok := inner.(pqConn); err == nil && ok && w.Conn() != nil {
		made, err = newConn(pqConn, w)
	}
	if w.Release() { // err is that of a wire that was closed
		if err == nil {
			made.Close()
		}
		return nil, w.Waiting(ctx.Err())
	}
	return made, err
}

// Close implements [io.Closer]. It waits until no server is asked any more to end a statement.
func (c connector) Close() error {
	c.dialer.close()
	return nil
}

// pqConn is what a connection of lib/pq implements of what database/sql asks for.
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

// A conn ends at once with the context of a call that is under way, and has lib/pq ask the server to end the statement
// meanwhile. Given the call's context, lib/pq would have a prepared statement wait for the server's reaction. So it gets
// none, and watch instead.
type conn struct {
	pqConn
	wire  *sessionsql.Wire
	watch sqldriver.Rows // of a query whose context is done when the connection breaks off
	ask   context.CancelFunc
}

// newConn closes inner with an error. lib/pq watches the context of a query until its rows are closed, also when there
// are none.
func newConn(inner pqConn, wire *sessionsql.Wire) (sqldriver.Conn, error) {
	ctx, ask := context.WithCancel(context.Background())
	rows, err := inner.QueryContext(ctx, ";", nil)
	if err != nil {
		ask()
		inner.Close()
		return nil, err
	}
	wire.OnBreak = ask
	return &conn{pqConn: inner, wire: wire, watch: rows, ask: ask}, nil
}

// IsValid implements [sqldriver.Validator]. lib/pq does not notice each end of a connection under TLS.
func (c *conn) IsValid() bool { return c.wire.Valid(c.pqConn) }

// ResetSession implements [sqldriver.SessionResetter].
func (c *conn) ResetSession(ctx context.Context) error { return c.wire.Reset(ctx, c.pqConn) }

// Close implements [sqldriver.Conn].
func (c *conn) Close() error {
	if c.wire.Dead() {
		c.pqConn.Close() // again
		return nil
	}
	c.wire.Conn().SetDeadline(time.Now().Add(closeTime))
	c.watch.Close()
	c.ask() // nothing, any more
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

// A tx is guarded to its end, for which there is no other context.
type tx struct {
	sqldriver.Tx
	guard sessionsql.Guard
}

func (t *tx) Commit() error   { return t.guard.End(t.Tx.Commit()) }
func (t *tx) Rollback() error { return t.guard.End(t.Tx.Rollback()) }

// rows are guarded until they are closed. There is one set of them.
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

// Close tells the server, for which there is no context.
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
