package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"
	"io"
	"slices"
)

// A rawPool is the [Pool] of the connections that [Open] makes. database/sql opens and keeps them, but statements go
// straight to the driver. For each query, database/sql would start a goroutine that waits for the end of the context, which
// the drivers watch by themselves, and it would convert parameters and columns that already have the right types.
//
// A rawPool is also for an application's *sql.DB if its driver keeps statements prepared by itself. Otherwise only
// database/sql knows when such a connection ends, with the statements that were prepared on it.
type rawPool struct {
	*dbPool  // for what is called rarely
	prepares bool
}

func newRawPool(db *sql.DB, prepares bool) *rawPool {
	return &rawPool{newDBPool(db, prepares), prepares}
}

// hasRaw reports whether a rawPool can use the connections of an application's db.
func hasRaw(ctx context.Context, db *sql.DB) (full bool, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		_, full = c.(fullConn)
		return nil
	})
	return full, err
}

// A fullConn is what a driver's connection must implement for a [rawPool].
type fullConn interface {
	sqldriver.Conn
	sqldriver.ConnPrepareContext
	sqldriver.ConnBeginTx
	sqldriver.ExecerContext
	sqldriver.QueryerContext
}

// A keeper is a connector whose connections keep their prepared statements.
type keeper struct{ *opener }

// Connect implements [sqldriver.Connector].
func (k keeper) Connect(ctx context.Context) (sqldriver.Conn, error) {
	inner, err := k.opener.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c, ok := inner.(fullConn)
	if !ok {
		inner.Close()
		return nil, fmt.Errorf("%T does not implement the interfaces with contexts of database/sql/driver", inner)
	}
	return &rawConn{fullConn: c, prepared: make(map[string]sqldriver.Stmt)}, nil
}

// A rawConn is a connection of a [rawPool], with its prepared statements by text. database/sql gives it to one call at a time.
type rawConn struct {
	fullConn
	prepared map[string]sqldriver.Stmt

	// What a call needs, kept to save allocations.
	args   []sqldriver.NamedValue
	values []sqldriver.Value
}

// Close implements [sqldriver.Conn]. SQLite closes no connection that still has statements.
func (c *rawConn) Close() error {
	for _, st := range c.prepared {
		st.Close()
	}
	return c.fullConn.Close()
}

// Ping implements [sqldriver.Pinger].
func (c *rawConn) Ping(ctx context.Context) error {
	if p, ok := c.fullConn.(sqldriver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// ResetSession implements [sqldriver.SessionResetter].
func (c *rawConn) ResetSession(ctx context.Context) error {
	if r, ok := c.fullConn.(sqldriver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid implements [sqldriver.Validator].
func (c *rawConn) IsValid() bool {
	v, ok := c.fullConn.(sqldriver.Validator)
	return !ok || v.IsValid()
}

// A run is a call on a connection.
type run struct {
	text string
	args []any
	to   []any           // of a query for one row
	row  func(Row) error // of a query for any number of rows
	exec bool

	prepares bool
	ctx      context.Context
	rows     int64
}

func (p *rawPool) Exec(ctx context.Context, text string, args []any) (int64, error) {
	r := run{text: text, args: args, exec: true}
	err := p.do(ctx, &r)
	return r.rows, err
}

func (p *rawPool) QueryRow(ctx context.Context, text string, args, to []any) error {
	return p.do(ctx, &run{text: text, args: args, to: to})
}

func (p *rawPool) Query(ctx context.Context, text string, args []any, row func(Row) error) error {
	return p.do(ctx, &run{text: text, args: args, row: row})
}

func (p *rawPool) do(ctx context.Context, r *run) error {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return Unsent(err)
	}
	defer conn.Close()
	r.ctx, r.prepares = ctx, p.prepares
	return conn.Raw(r.on)
}

// Begin implements [Pool]. The transaction prepares its statements on its own connection.
func (p *rawPool) Begin(ctx context.Context, isolation sql.IsolationLevel, _ ...string) (Tx, error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, Unsent(err)
	}
	t := &rawTx{conn: conn, prepares: p.prepares}
	err = conn.Raw(func(c any) (err error) {
		t.tx, err = c.(fullConn).BeginTx(ctx, sqldriver.TxOptions{Isolation: sqldriver.IsolationLevel(isolation)})
		return err
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return t, nil
}

// on makes the call.
func (r *run) on(c any) error {
	conn, own := c.(*rawConn)
	if !own {
		conn = &rawConn{fullConn: c.(fullConn)}
	}
	defer conn.reset()
	conn.args = slices.Grow(conn.args, len(r.args))
	for i, arg := range r.args {
		if v, ok := arg.(sqldriver.Valuer); ok {
			var err error
			if arg, err = v.Value(); err != nil {
				return err
			}
		}
		conn.args = append(conn.args, sqldriver.NamedValue{Ordinal: i + 1, Value: arg})
	}
	if r.exec {
		result, err := conn.exec(r)
		if err != nil {
			return err
		}
		r.rows, err = result.RowsAffected()
		return err
	}
	rows, err := conn.query(r)
	if err != nil {
		return err
	}
	err = conn.scan(rows, r)
	if closeErr := rows.Close(); err == nil {
		err = closeErr
	}
	return err
}

// reset keeps nothing of a call alive.
func (c *rawConn) reset() {
	clear(c.args)
	clear(c.values)
	c.args, c.values = c.args[:0], c.values[:0]
}

// stmt returns the prepared statement of a text, or nil to send the text. A statement without parameters is not prepared.
func (c *rawConn) stmt(r *run) (sqldriver.Stmt, error) {
	if !r.prepares || len(r.args) == 0 {
		return nil, nil
	}
	if st := c.prepared[r.text]; st != nil {
		return st, nil
	}
	st, err := c.PrepareContext(r.ctx, r.text)
	if err == nil {
		c.prepared[r.text] = st
	}
	return st, err
}

func (c *rawConn) exec(r *run) (sqldriver.Result, error) {
	st, err := c.stmt(r)
	switch {
	case err != nil:
		return nil, err
	case st != nil:
		return st.(sqldriver.StmtExecContext).ExecContext(r.ctx, c.args)
	}
	return c.ExecContext(r.ctx, r.text, c.args)
}

func (c *rawConn) query(r *run) (sqldriver.Rows, error) {
	st, err := c.stmt(r)
	switch {
	case err != nil:
		return nil, err
	case st != nil:
		return st.(sqldriver.StmtQueryContext).QueryContext(r.ctx, c.args)
	}
	return c.QueryContext(r.ctx, r.text, c.args)
}

// scan passes the rows on. The driver may use the bytes of a row again for the next one.
func (c *rawConn) scan(rows sqldriver.Rows, r *run) error {
	c.values = append(c.values, make([]sqldriver.Value, len(rows.Columns()))...) // make allocates nothing here
	var row Row
	if r.row != nil {
		row = rawRow(c.values)
	}
	for n := 0; ; n++ {
		err := rows.Next(c.values)
		switch {
		case err == io.EOF && r.row == nil && n == 0:
			return sql.ErrNoRows
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case r.row != nil:
			err = r.row(row)
		default:
			return rawRow(c.values).Scan(r.to...)
		}
		if err != nil {
			return err
		}
	}
}

// A rawTx is a transaction on a connection of a [rawPool].
type rawTx struct {
	conn     *sql.Conn
	tx       sqldriver.Tx
	prepares bool
	ended    bool
}

func (t *rawTx) Exec(ctx context.Context, text string, args []any) (int64, error) {
	r := run{text: text, args: args, exec: true, ctx: ctx, prepares: t.prepares}
	err := t.conn.Raw(r.on)
	return r.rows, err
}

func (t *rawTx) QueryRow(ctx context.Context, text string, args, to []any) error {
	return t.conn.Raw((&run{text: text, args: args, to: to, ctx: ctx, prepares: t.prepares}).on)
}

func (t *rawTx) Query(ctx context.Context, text string, args []any, row func(Row) error) error {
	return t.conn.Raw((&run{text: text, args: args, row: row, ctx: ctx, prepares: t.prepares}).on)
}

// Batch implements [Tx]. The drivers of database/sql have no batches.
func (t *rawTx) Batch(ctx context.Context, calls []Call) error { return inTurn(ctx, t, calls) }

// Commit implements [Tx]. A connection whose transaction has not ended cleanly is not used again.
func (t *rawTx) Commit(context.Context) error { return t.end(sqldriver.Tx.Commit) }

// Rollback implements [Tx].
func (t *rawTx) Rollback() { t.end(sqldriver.Tx.Rollback) }

func (t *rawTx) end(how func(sqldriver.Tx) error) (err error) {
	if t.ended {
		return nil
	}
	t.ended = true
	t.conn.Raw(func(any) error {
		if err = how(t.tx); err != nil {
			return sqldriver.ErrBadConn
		}
		return nil
	})
	t.conn.Close()
	return err
}
