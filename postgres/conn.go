package postgres

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
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
	c, err := pq.NewConnector(dsn)
	if err != nil {
		return nil, errDSN
	}
	d := new(dialer)
	c.Dialer(d)
	return connector{c, d}, nil
}

// Connect implements [sqldriver.Connector]. [sessionsql.Open] always gives it a deadline.
func (c connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	d := &dialed{ctx: ctx}
	inner, err := c.Connector.Connect(context.WithValue(ctx, dialedKey{}, d))
	made := inner
	if pqConn, ok := inner.(pqConn); err == nil && ok && d.wire != nil {
		made, err = newConn(pqConn, d.wire)
	}
	if d.release() { // err is that of a wire that was closed
		if err == nil {
			made.Close()
		}
		return nil, waitingFor(d.wire, ctx.Err())
	}
	return made, err
}

// Close implements [io.Closer]. It waits until no server is asked any more to end a statement.
func (c connector) Close() error {
	c.dialer.close()
	return nil
}

func waitingFor(wire net.Conn, err error) error {
	return fmt.Errorf("waiting for %v: %w", wire.RemoteAddr(), err)
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
	wire  net.Conn
	watch sqldriver.Rows // of a query whose context is done when the connection breaks off
	ask   context.CancelFunc
	off   func() // breakOff, made once: a call allocates less
	dead  atomic.Bool
}

// newConn closes inner with an error. lib/pq watches the context of a query until its rows are closed, also when there
// are none.
func newConn(inner pqConn, wire net.Conn) (sqldriver.Conn, error) {
	c := &conn{pqConn: inner, wire: wire}
	c.off = c.breakOff
	ctx, ask := context.WithCancel(context.Background())
	rows, err := inner.QueryContext(ctx, ";", nil)
	if err != nil {
		ask()
		inner.Close()
		return nil, err
	}
	c.watch, c.ask = rows, ask
	return c, nil
}

func (c *conn) breakOff() {
	c.dead.Store(true)
	c.ask()
	c.wire.Close()
}

// A guard breaks a connection off when ctx is done.
type guard struct {
	c    *conn
	ctx  context.Context
	stop func() bool
}

func (c *conn) guard(ctx context.Context) guard {
	return guard{c, ctx, context.AfterFunc(ctx, c.off)}
}

// err is what to return for an error of lib/pq: if the connection was broken off it tells only of that.
func (g guard) err(err error) error {
	if err == nil || err == io.EOF || g.ctx.Err() == nil || !g.c.dead.Load() {
		return err
	}
	return waitingFor(g.c.wire, g.ctx.Err())
}

// end is err after the last thing that is guarded. If the connection is about to be broken off, nobody else may get it.
func (g guard) end(err error) error {
	if !g.stop() {
		g.c.dead.Store(true)
	}
	return g.err(err)
}

// IsValid implements [sqldriver.Validator]. lib/pq does not notice each end of a connection under TLS.
func (c *conn) IsValid() bool { return !c.dead.Load() && c.pqConn.IsValid() }

// ResetSession implements [sqldriver.SessionResetter].
func (c *conn) ResetSession(ctx context.Context) error {
	if c.dead.Load() {
		return sqldriver.ErrBadConn
	}
	return c.pqConn.ResetSession(ctx)
}

// Close implements [sqldriver.Conn].
func (c *conn) Close() error {
	if c.dead.Load() {
		c.pqConn.Close() // again
		return nil
	}
	c.wire.SetDeadline(time.Now().Add(closeTime))
	c.watch.Close()
	c.ask() // nothing, any more
	return c.pqConn.Close()
}

func (c *conn) PrepareContext(ctx context.Context, query string) (sqldriver.Stmt, error) {
	g := c.guard(ctx)
	inner, err := c.pqConn.PrepareContext(context.Background(), query)
	if err = g.end(err); err != nil {
		return nil, err
	}
	if st, ok := inner.(pqStmt); ok {
		return &stmt{st, c}, nil
	}
	return inner, nil
}

func (c *conn) BeginTx(ctx context.Context, opts sqldriver.TxOptions) (sqldriver.Tx, error) {
	g := c.guard(ctx)
	inner, err := c.pqConn.BeginTx(context.Background(), opts)
	if err != nil {
		return nil, g.end(err)
	}
	return &tx{inner, g}, nil
}

func (c *conn) ExecContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	g := c.guard(ctx)
	result, err := c.pqConn.ExecContext(context.Background(), query, args)
	return result, g.end(err)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	g := c.guard(ctx)
	inner, err := c.pqConn.QueryContext(context.Background(), query, args)
	return g.query(inner, err)
}

func (c *conn) Ping(ctx context.Context) error {
	g := c.guard(ctx)
	return g.end(c.pqConn.Ping(context.Background()))
}

// A tx is guarded to its end, for which there is no other context.
type tx struct {
	sqldriver.Tx
	guard
}

func (t *tx) Commit() error   { return t.end(t.Tx.Commit()) }
func (t *tx) Rollback() error { return t.end(t.Tx.Rollback()) }

// rows are guarded until they are closed. There is one set of them.
type rows struct {
	sqldriver.Rows
	guard
}

func (g guard) query(inner sqldriver.Rows, err error) (sqldriver.Rows, error) {
	if err != nil {
		return nil, g.end(err)
	}
	return &rows{inner, g}, nil
}

func (r *rows) Next(dest []sqldriver.Value) error { return r.err(r.Rows.Next(dest)) }
func (r *rows) Close() error                      { return r.end(r.Rows.Close()) }

type pqStmt interface {
	sqldriver.Stmt
	sqldriver.StmtExecContext
	sqldriver.StmtQueryContext
}

type stmt struct {
	pqStmt
	c *conn
}

// Close tells the server, for which there is no context.
func (s *stmt) Close() error {
	s.c.wire.SetDeadline(time.Now().Add(closeTime))
	err := s.pqStmt.Close()
	err = errors.Join(err, s.c.wire.SetDeadline(time.Time{}))
	if err != nil {
		s.c.breakOff()
	}
	return err
}

func (s *stmt) ExecContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	g := s.c.guard(ctx)
	result, err := s.pqStmt.ExecContext(context.Background(), args)
	return result, g.end(err)
}

func (s *stmt) QueryContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	g := s.c.guard(ctx)
	inner, err := s.pqStmt.QueryContext(context.Background(), args)
	return g.query(inner, err)
}
