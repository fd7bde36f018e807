package pgx

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// A pool is the [sessionsql.Pool] of pgxpool. default_query_exec_mode says whether pgx prepares statements.
type pool struct {
	p      *pgxpool.Pool
	server string // for errors
}

func newPool(p *pgxpool.Pool, cfg *pgxpool.Config) *pool {
	return &pool{p, net.JoinHostPort(cfg.ConnConfig.Host, strconv.Itoa(int(cfg.ConnConfig.Port)))}
}

// acquire takes a connection.
func (p *pool) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	c, err := p.p.Acquire(ctx)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil: // pgxpool's error says only that
		err = fmt.Errorf("waiting for a connection to %s: %w", p.server, err)
	}
	return nil, sessionsql.Unsent(err)
}

// Exec implements [sessionsql.Querier]. Package sql sends the statement that creates a session only once, so it should not be sent over
// a connection that was lost while nobody used it.
func (p *pool) Exec(ctx context.Context, text string, args []any) (int64, error) {
	c, err := p.acquire(ctx)
	for err == nil && sessionsql.WatchIdle(c.Conn().PgConn().Conn()).Ended() {
		c.Conn().Close(ctx)
		c.Release()
		c, err = p.acquire(ctx)
	}
	if err != nil {
		return 0, err
	}
	defer c.Release()
	return exec(ctx, c.Conn(), text, args)
}

func (p *pool) QueryRow(ctx context.Context, text string, args, to []any) error {
	c, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	return queryRow(ctx, c.Conn(), text, args, to)
}

func (p *pool) Query(ctx context.Context, text string, args []any, row func(sessionsql.Row) error) error {
	c, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	return query(ctx, c.Conn(), text, args, row)
}

func exec(ctx context.Context, c *pgx.Conn, text string, args []any) (int64, error) {
	tag, err := c.Exec(ctx, text, args...)
	return tag.RowsAffected(), sent(err)
}

func queryRow(ctx context.Context, c *pgx.Conn, text string, args, to []any) error {
	return sent(c.QueryRow(ctx, text, plain(args)...).Scan(known(to)...))
}

func query(ctx context.Context, c *pgx.Conn, text string, args []any, row func(sessionsql.Row) error) error {
	rows, err := c.Query(ctx, text, plain(args)...)
	if err != nil {
		return sent(err)
	}
	return each(rows, row)
}

// each closes rows.
func each(rows pgx.Rows, row func(sessionsql.Row) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(scanner{rows}); err != nil {
			return err
		}
	}
	return sent(rows.Err())
}

// plain makes pgx send a query without parameters as it is, as its Exec does. Such queries run rarely and need not be prepared.
func plain(args []any) []any {
	if len(args) == 0 {
		return []any{pgx.QueryExecModeSimpleProtocol}
	}
	return args
}

// sent marks err if nothing was sent.
func sent(err error) error {
	if err != nil && pgconn.SafeToRetry(err) {
		return sessionsql.Unsent(err)
	}
	return err
}

// Columns implements [sessionsql.Pool].
func (p *pool) Columns(ctx context.Context, query string) (names []string, err error) {
	rows, err := p.p.Query(ctx, query, plain(nil)...)
	if err != nil {
		return nil, err
	}
	rows.Close()
	for _, field := range rows.FieldDescriptions() {
		names = append(names, field.Name)
	}
	return names, rows.Err()
}

// Begin implements [sessionsql.Pool].
func (p *pool) Begin(ctx context.Context, isolation sql.IsolationLevel, _ ...string) (sessionsql.Tx, error) {
	c, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	begin := "begin"
	if isolation != sql.LevelDefault {
		begin += " isolation level " + strings.ToLower(isolation.String())
	}
	return &tx{ctx: ctx, conn: c.Conn(), begin: begin, release: c.Release}, nil
}

// Conn implements [sessionsql.Pool].
func (p *pool) Conn(ctx context.Context) (sessionsql.Conn, error) {
	c, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c}, nil
}

// MaxConns implements [sessionsql.Pool].
func (p *pool) MaxConns() int { return int(p.p.Config().MaxConns) }

// Weed implements [sessionsql.Pool].
func (p *pool) Weed(ctx context.Context, useless func(ctx context.Context, c sessionsql.Conn) bool) {
	for _, c := range p.p.AcquireAllIdle(ctx) {
		c := &conn{c}
		c.Release(ctx.Err() == nil && useless(ctx, c))
	}
}

// Idle implements [sessionsql.Pool].
func (p *pool) Idle() int { return int(p.p.Stat().IdleConns()) }

// Ping implements [sessionsql.Pool].
func (p *pool) Ping(ctx context.Context) error {
	c, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	return c.Ping(ctx)
}

// Close implements [sessionsql.Pool].
func (p *pool) Close() error {
	p.p.Close()
	return nil
}

// A conn is one connection of the pool.
type conn struct{ c *pgxpool.Conn }

func (c *conn) Exec(ctx context.Context, text string, args []any) (int64, error) {
	return exec(ctx, c.c.Conn(), text, args)
}

func (c *conn) QueryRow(ctx context.Context, text string, args, to []any) error {
	return queryRow(ctx, c.c.Conn(), text, args, to)
}

func (c *conn) Query(ctx context.Context, text string, args []any, row func(sessionsql.Row) error) error {
	return query(ctx, c.c.Conn(), text, args, row)
}

func (c *conn) Begin(ctx context.Context) (sessionsql.Tx, error) {
	return &tx{ctx: ctx, conn: c.c.Conn(), begin: "begin", release: func() {}}, nil
}

func (c *conn) Release(end bool) {
	if end {
		ctx, cancel := context.WithTimeout(context.Background(), askTime)
		defer cancel()
		c.c.Conn().Close(ctx)
	}
	c.c.Release()
}

// A tx is a transaction that begins in the round trip of its first statement.
type tx struct {
	ctx     context.Context
	conn    *pgx.Conn
	begin   string // the statement that begins it; "" if it was sent
	ended   bool
	release func()
}

func (t *tx) Exec(ctx context.Context, text string, args []any) (int64, error) {
	if t.begin == "" {
		return exec(ctx, t.conn, text, args)
	}
	calls := []sessionsql.Call{{Text: text, Args: args}}
	err := t.Batch(ctx, calls)
	return calls[0].Rows, err
}

func (t *tx) QueryRow(ctx context.Context, text string, args, to []any) error {
	if t.begin == "" {
		return queryRow(ctx, t.conn, text, args, to)
	}
	found := false
	err := t.Query(ctx, text, args, func(row sessionsql.Row) error {
		if found {
			return nil
		}
		found = true
		return row.Scan(to...)
	})
	if err == nil && !found {
		return pgx.ErrNoRows
	}
	return err
}

func (t *tx) Query(ctx context.Context, text string, args []any, row func(sessionsql.Row) error) error {
	if t.begin == "" {
		return query(ctx, t.conn, text, args, row)
	}
	return t.Batch(ctx, []sessionsql.Call{{Text: text, Args: args, Row: row}})
}

// Batch implements [sessionsql.Tx].
func (t *tx) Batch(ctx context.Context, calls []sessionsql.Call) error {
	var b pgx.Batch
	if t.begin != "" {
		b.Queue(t.begin)
		t.begin = ""
	}
	for i := range calls {
		c := &calls[i]
		queued := b.Queue(c.Text, c.Args...)
		if c.Row != nil {
			queued.Query(func(rows pgx.Rows) error { return each(rows, c.Row) })
			continue
		}
		queued.Exec(func(tag pgconn.CommandTag) error {
			c.Rows = tag.RowsAffected()
			return nil
		})
	}
	return sent(t.conn.SendBatch(ctx, &b).Close())
}

func (t *tx) Commit(ctx context.Context) error {
	if t.begin != "" {
		return nil
	}
	tag, err := t.conn.Exec(ctx, "commit")
	if err == nil && tag.String() == "ROLLBACK" {
		err = pgx.ErrTxCommitRollback
	}
	t.ended = err == nil
	return err
}

// rollTime limits how long a rollback may take.
const rollTime = time.Second

// Rollback implements [sessionsql.Tx]. It returns the connection to the pool, which closes one that is still in a transaction.
func (t *tx) Rollback() {
	defer t.release()
	if t.begin != "" || t.ended || t.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), rollTime)
	defer cancel()
	if t.ctx.Err() != nil {
		cancel()
	}
	if _, err := t.conn.Exec(ctx, "rollback"); err != nil {
		t.conn.Close(ctx)
	}
}
