package mysql

import (
	"context"
	sqldriver "database/sql/driver"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"
)

// A connector makes connections whose transactions end with their contexts. The driver watches the context of each call, but
// COMMIT and ROLLBACK have none: a server that does not answer them would be waited for for ever.
type connector struct{ sqldriver.Connector }

func newConnector(dsn string) (sqldriver.Connector, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errDSN
	}
	cfg.Logger = new(mysql.NopLogger)          // what it would print to stderr are the errors that calls return
	if cfg.Net == "tcp" || cfg.Net == "unix" { // others are registered with the driver by the application
		cfg.DialFunc = dial
	}
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errDSN
	}
	return connector{c}, nil
}

// dialedKey is the context's key for a *net.Conn, which dial fills in.
type dialedKey struct{}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	wire, err := new(net.Dialer).DialContext(ctx, network, address)
	if to, ok := ctx.Value(dialedKey{}).(*net.Conn); ok && err == nil {
		*to = wire
	}
	return wire, err
}

// Connect implements [sqldriver.Connector].
func (c connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	var wire net.Conn
	inner, err := c.Connector.Connect(context.WithValue(ctx, dialedKey{}, &wire))
	if own, ok := inner.(mysqlConn); err == nil && ok && wire != nil {
		return &conn{mysqlConn: own, wire: wire}, nil
	}
	return inner, err
}

// mysqlConn is what a connection of the driver implements of what database/sql asks for.
type mysqlConn interface {
	sqldriver.Conn
	sqldriver.ConnBeginTx
	sqldriver.ConnPrepareContext
	sqldriver.ExecerContext
	sqldriver.QueryerContext
	sqldriver.Pinger
	sqldriver.NamedValueChecker
	sqldriver.SessionResetter
	sqldriver.Validator
}

type conn struct {
	mysqlConn
	wire net.Conn
	dead atomic.Bool // it is broken off, which the driver may not have noticed
}

func (c *conn) breakOff() {
	c.dead.Store(true)
	c.wire.Close()
}

// IsValid implements [sqldriver.Validator].
func (c *conn) IsValid() bool { return !c.dead.Load() && c.mysqlConn.IsValid() }

// ResetSession implements [sqldriver.SessionResetter].
func (c *conn) ResetSession(ctx context.Context) error {
	if c.dead.Load() {
		return sqldriver.ErrBadConn
	}
	return c.mysqlConn.ResetSession(ctx)
}

func (c *conn) BeginTx(ctx context.Context, opts sqldriver.TxOptions) (sqldriver.Tx, error) {
	inner, err := c.mysqlConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &tx{inner, c, ctx}, nil
}

// A tx ends with the context that it has begun with.
type tx struct {
	sqldriver.Tx
	c   *conn
	ctx context.Context
}

func (t *tx) Commit() error   { return t.end(t.Tx.Commit) }
func (t *tx) Rollback() error { return t.end(t.Tx.Rollback) }

func (t *tx) end(send func() error) error {
	stop := context.AfterFunc(t.ctx, t.c.breakOff)
	err := send()
	if !stop() { // nobody else may get the connection
		t.c.dead.Store(true)
		if err != nil {
			err = fmt.Errorf("waiting for %v: %w", t.c.wire.RemoteAddr(), t.ctx.Err())
		}
	}
	return err
}
