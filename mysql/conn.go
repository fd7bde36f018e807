package mysql

import (
	"context"
	sqldriver "database/sql/driver"
	"maps"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// A connector makes connections whose transactions end with their contexts. The driver watches the context of each call,
// but COMMIT and ROLLBACK have no context, so it would wait forever for a server that does not answer them.
type connector struct{ sqldriver.Connector }

func newConnector(dsn string) (sqldriver.Connector, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errDSN
	}
	maps.DeleteFunc(cfg.Params, func(name, _ string) bool { return strings.EqualFold(name, "autocommit") })
	if cfg.Params == nil {
		cfg.Params = make(map[string]string)
	}
	cfg.Params["autocommit"] = "1"             // whatever the server's default is: a call that is one statement does not commit
	cfg.Logger = new(mysql.NopLogger)          // it would print to stderr the errors that calls return anyway
	if cfg.Net == "tcp" || cfg.Net == "unix" { // the application registers other networks with the driver
		cfg.DialFunc = dial
	}
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errDSN
	}
	return connector{c}, nil
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if wire := sessionsql.WireOf(ctx); wire != nil && err == nil {
		wire.Take(c)
	}
	return c, err
}

// Connect implements [sqldriver.Connector].
func (c connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	wire, dialing := sessionsql.NewWire(ctx)
	inner, err := c.Connector.Connect(dialing)
	closed := wire.Release()
	switch own, ok := inner.(mysqlConn); {
	case err != nil || !ok || wire.Conn() == nil:
		return inner, err
	case closed:
		inner.Close()
		return nil, wire.Waiting(ctx.Err())
	default:
		return &conn{mysqlConn: own, wire: wire}, nil
	}
}

// mysqlConn is the part of database/sql's interfaces that a connection of the driver implements.
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
	wire *sessionsql.Wire
}

// IsValid implements [sqldriver.Validator].
func (c *conn) IsValid() bool { return c.wire.Valid(c.mysqlConn) }

// ResetSession implements [sqldriver.SessionResetter].
func (c *conn) ResetSession(ctx context.Context) error { return c.wire.Reset(ctx, c.mysqlConn) }

func (c *conn) BeginTx(ctx context.Context, opts sqldriver.TxOptions) (sqldriver.Tx, error) {
	inner, err := c.mysqlConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &tx{inner, c.wire, ctx}, nil
}

// A tx ends when the context with which it began is done.
type tx struct {
	sqldriver.Tx
	wire *sessionsql.Wire
	ctx  context.Context
}

func (t *tx) Commit() error {
	g := t.wire.Guard(t.ctx)
	return g.End(t.Tx.Commit())
}

func (t *tx) Rollback() error {
	g := t.wire.Guard(t.ctx)
	return g.End(t.Tx.Rollback())
}
