package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"sync"
)

// A dbQuerier is the [Querier] of database/sql.
type dbQuerier struct {
	on database

	// prepare returns the prepared statement of a text. Nil means that texts are sent.
	prepare func(ctx context.Context, text string) (*sql.Stmt, error)
}

// A database is a [*sql.DB], a [*sql.Conn] or a [*sql.Tx].
type database interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

// stmt returns the prepared statement of a text, or nil to send the text. A statement without parameters is not prepared.
func (q *dbQuerier) stmt(ctx context.Context, text string, args []any) (*sql.Stmt, error) {
	if q.prepare == nil || len(args) == 0 {
		return nil, nil
	}
	return q.prepare(ctx, text)
}

func (q *dbQuerier) Exec(ctx context.Context, text string, args []any) (int64, error) {
	st, err := q.stmt(ctx, text, args)
	if err != nil {
		return 0, err
	}
	var result sql.Result
	if st != nil {
		result, err = st.ExecContext(ctx, args...)
	} else {
		result, err = q.on.ExecContext(ctx, text, args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (q *dbQuerier) QueryRow(ctx context.Context, text string, args, to []any) error {
	st, err := q.stmt(ctx, text, args)
	if err != nil {
		return err
	}
	if st != nil {
		return st.QueryRowContext(ctx, args...).Scan(to...)
	}
	return q.on.QueryRowContext(ctx, text, args...).Scan(to...)
}

func (q *dbQuerier) Query(ctx context.Context, text string, args []any, row func(Row) error) error {
	st, err := q.stmt(ctx, text, args)
	if err != nil {
		return err
	}
	var rows *sql.Rows
	if st != nil {
		rows, err = st.QueryContext(ctx, args...)
	} else {
		rows, err = q.on.QueryContext(ctx, text, args...)
	}
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A dbPool is the [Pool] of a [*sql.DB].
type dbPool struct {
	dbQuerier
	db *sql.DB

	mu       sync.Mutex
	prepared map[string]*sql.Stmt // by text; database/sql prepares them again on each connection
}

func newDBPool(db *sql.DB, prepares bool) *dbPool {
	p := &dbPool{dbQuerier: dbQuerier{on: db}, db: db, prepared: make(map[string]*sql.Stmt)}
	if prepares {
		p.prepare = p.prepareOnce
	}
	return p
}

func (p *dbPool) prepareOnce(ctx context.Context, text string) (*sql.Stmt, error) {
	if st := p.known(text); st != nil {
		return st, nil
	}
	st, err := p.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	other := p.prepared[text]
	if other == nil {
		p.prepared[text] = st
	}
	p.mu.Unlock()
	if other != nil {
		st.Close() // it waits for the call that its connection is running, so not under the lock
		return other, nil
	}
	return st, nil
}

func (p *dbPool) known(text string) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.prepared[text]
}

// Begin implements [Pool].
func (p *dbPool) Begin(ctx context.Context, isolation sql.IsolationLevel, uses ...string) (Tx, error) {
	if p.prepare != nil {
		for _, text := range uses {
			if _, err := p.prepare(ctx, text); err != nil {
				return nil, err
			}
		}
	}
	tx, err := p.db.BeginTx(ctx, &sql.TxOptions{Isolation: isolation})
	if err != nil {
		return nil, err
	}
	t := &dbTx{dbQuerier: dbQuerier{on: tx}, tx: tx}
	if p.prepare != nil {
		t.prepare = func(ctx context.Context, text string) (*sql.Stmt, error) {
			if st := p.known(text); st != nil {
				return tx.StmtContext(ctx, st), nil
			}
			return tx.PrepareContext(ctx, text) // the text has changed since Begin
		}
	}
	return t, nil
}

// Conn implements [Pool].
func (p *dbPool) Conn(ctx context.Context) (Conn, error) {
	c, err := newDBConn(ctx, p.db)
	if err != nil {
		return nil, err
	}
	if p.prepare != nil {
		c.prepare = c.prepareAnew
	}
	return c, nil
}

// MaxConns implements [Pool].
func (p *dbPool) MaxConns() int { return p.db.Stats().MaxOpenConnections }

// Weed implements [Pool]. database/sql hands out the connection that was used last.
func (p *dbPool) Weed(ctx context.Context, useless func(ctx context.Context, c Conn) bool) {
	for range 1 + 2*p.db.Stats().OpenConnections { // others may be returning theirs at the same time
		c, err := newDBConn(ctx, p.db)
		if err != nil {
			return
		}
		defer c.Release(false) // only after all were checked, or the same one would be handed out again
		if useless(ctx, c) {
			c.end()
		}
		if p.db.Stats().Idle == 0 {
			return
		}
	}
}

// Columns implements [Pool].
func (p *dbPool) Columns(ctx context.Context, query string) ([]string, error) {
	rows, err := p.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	return names, rows.Err()
}

// Idle implements [Pool].
func (p *dbPool) Idle() int { return p.db.Stats().Idle }

// Ping implements [Pool].
func (p *dbPool) Ping(ctx context.Context) error { return p.db.PingContext(ctx) }

// forget closes all statements.
func (p *dbPool) forget() {
	p.mu.Lock()
	all := p.prepared
	p.prepared = make(map[string]*sql.Stmt)
	p.mu.Unlock()
	for _, st := range all {
		st.Close()
	}
}

// Close implements [Pool].
func (p *dbPool) Close() error {
	p.forget()
	return p.db.Close()
}

// A dbTx is the [Tx] of database/sql.
type dbTx struct {
	dbQuerier
	tx *sql.Tx
}

// Batch implements [Tx]. database/sql has no batches.
func (t *dbTx) Batch(ctx context.Context, calls []Call) error { return inTurn(ctx, t, calls) }

// inTurn runs calls one after the other.
func inTurn(ctx context.Context, on Querier, calls []Call) (err error) {
	for i, c := range calls {
		if c.Row != nil {
			err = on.Query(ctx, c.Text, c.Args, c.Row)
		} else {
			calls[i].Rows, err = on.Exec(ctx, c.Text, c.Args)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *dbTx) Commit(context.Context) error { return t.tx.Commit() }

func (t *dbTx) Rollback() { t.tx.Rollback() }

// A dbConn is the [Conn] of database/sql.
type dbConn struct {
	dbQuerier
	conn     *sql.Conn
	prepared []*sql.Stmt
}

func newDBConn(ctx context.Context, db *sql.DB) (*dbConn, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &dbConn{dbQuerier: dbQuerier{on: conn}, conn: conn}, nil
}

// prepareAnew prepares a text each time, for the probe of a dialect.
func (c *dbConn) prepareAnew(ctx context.Context, text string) (*sql.Stmt, error) {
	st, err := c.conn.PrepareContext(ctx, text)
	if err == nil {
		c.prepared = append(c.prepared, st)
	}
	return st, err
}

func (c *dbConn) Begin(ctx context.Context) (Tx, error) {
	tx, err := c.conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &dbTx{dbQuerier: dbQuerier{on: tx}, tx: tx}, nil
}

// end has database/sql throw the connection away.
func (c *dbConn) end() { c.conn.Raw(func(any) error { return sqldriver.ErrBadConn }) }

func (c *dbConn) Release(end bool) {
	for _, st := range c.prepared {
		st.Close()
	}
	if end {
		c.end()
	}
	c.conn.Close()
}
