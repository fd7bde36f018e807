package postgres

import (
	"context"
	sqldriver "database/sql/driver"
	"fmt"
	"net"
	"time"

	"github.com/lib/pq"
)

// A connector makes connections of lib/pq end their waiting in time. lib/pq leaves it to the server to end a
// statement whose context is done, and asks it over another connection: with a server that does not answer
// it would wait for ever.
type connector struct{ *pq.Connector }

// grace is for the server to end a statement itself.
const grace = 250 * time.Millisecond

func newConnector(dsn string) (sqldriver.Connector, error) {
	c, err := pq.NewConnector(dsn)
	if err != nil {
		return nil, errDSN
	}
	c.Dialer(new(dialer))
	return connector{c}, nil
}

// Connect implements [sqldriver.Connector]. [sessionsql.Open] always gives it a deadline.
func (c connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	d := &dialed{ctx: ctx}
	inner, err := c.Connector.Connect(context.WithValue(ctx, dialedKey{}, d))
	if d.release() { // err is that of a wire that was closed
		if err == nil {
			inner.Close()
		}
		return nil, fmt.Errorf("waiting for %v: %w", d.wire.RemoteAddr(), ctx.Err())
	}
	if err != nil {
		return nil, err
	}
	if pqConn, ok := inner.(pqConn); ok && d.wire != nil {
		return &conn{pqConn: pqConn, wire: d.wire}, nil
	}
	return inner, nil
}

// dialedKey is the context's key for the dialed, which the dialer fills in.
type dialedKey struct{}

type dialed struct {
	ctx  context.Context // of Connect: the one that the dialer is given may end when it has dialed
	wire net.Conn
	stop func() bool
}

// take has wire closed at the end of ctx.
func (d *dialed) take(wire net.Conn) {
	d.wire, d.stop = wire, context.AfterFunc(d.ctx, func() { wire.Close() })
}

// release has it no longer closed, and reports whether it was.
func (d *dialed) release() (closed bool) {
	if d.stop != nil {
		closed = !d.stop()
		d.stop = nil
	}
	return closed
}

// A dialer has a connection end with the context of Connect, and gives one over which lib/pq asks the server to end a
// statement, for which the statement's caller waits, as much as grace.
type dialer struct{ net.Dialer }

func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, connecting := ctx.Value(dialedKey{}).(*dialed)
	if connecting {
		to.release() // one of another server, which has not let us in
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, grace)
		defer cancel()
	}
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if connecting {
		to.take(c)
		return c, nil
	}
	deadline, _ := ctx.Deadline()
	return brief{c}, c.SetDeadline(deadline)
}

// A brief connection keeps its deadline when lib/pq sets that of connect_timeout.
type brief struct{ net.Conn }

func (brief) SetDeadline(time.Time) error { return nil }

// DialTimeout is not used, but asked for.
func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout(network, address, timeout)
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

// A conn sets the deadline of the call's context before each call; it holds until the next one, for the rows
// and for the end of a transaction too.
type conn struct {
	pqConn
	wire     net.Conn
	deadline time.Time
}

func (c *conn) until(ctx context.Context) {
	deadline, ok := ctx.Deadline()
	if !ok {
		c.setDeadline(time.Time{})
		return
	}
	// One that is a little later will do: setting it with each call would cost a tenth of a read.
	if early := deadline.Add(grace); c.deadline.Before(early) || c.deadline.After(early.Add(grace)) {
		c.setDeadline(early.Add(grace))
	}
}

// setDeadline leaves it to the call to meet an error.
func (c *conn) setDeadline(deadline time.Time) {
	c.deadline = deadline
	c.wire.SetDeadline(deadline)
}

// Close is called without a context, when the last one's deadline may be over.
func (c *conn) Close() error {
	c.setDeadline(time.Now().Add(grace))
	return c.pqConn.Close()
}

func (c *conn) PrepareContext(ctx context.Context, query string) (sqldriver.Stmt, error) {
	c.until(ctx)
	inner, err := c.pqConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if st, ok := inner.(pqStmt); ok {
		return &stmt{st, c}, nil
	}
	return inner, nil
}

func (c *conn) BeginTx(ctx context.Context, opts sqldriver.TxOptions) (sqldriver.Tx, error) {
	c.until(ctx)
	return c.pqConn.BeginTx(ctx, opts)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	c.until(ctx)
	return c.pqConn.ExecContext(ctx, query, args)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	c.until(ctx)
	return c.pqConn.QueryContext(ctx, query, args)
}

func (c *conn) Ping(ctx context.Context) error {
	c.until(ctx)
	return c.pqConn.Ping(ctx)
}

type pqStmt interface {
	sqldriver.Stmt
	sqldriver.StmtExecContext
	sqldriver.StmtQueryContext
}

type stmt struct {
	pqStmt
	c *conn
}

// Close tells the server, as [conn.Close] does.
func (s *stmt) Close() error {
	s.c.setDeadline(time.Now().Add(grace))
	return s.pqStmt.Close()
}

func (s *stmt) ExecContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	s.c.until(ctx)
	return s.pqStmt.ExecContext(ctx, args)
}

func (s *stmt) QueryContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	s.c.until(ctx)
	return s.pqStmt.QueryContext(ctx, args)
}
