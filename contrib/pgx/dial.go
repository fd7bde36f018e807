package pgx

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// askTime limits how long asking a server to end a statement, and closing a connection, may take. pgx allows 15 seconds. In that
// time the connection keeps its place in the pool: if a server stops answering for a while, there would be no place for new
// connections.
const askTime = time.Second

// sayGoodbyeSoon is the BeforeConnect of a pool. It applies askTime.
func sayGoodbyeSoon(_ context.Context, cfg *pgx.ConnConfig) error {
	dial, connected := cfg.DialFunc, new(atomic.Bool)
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if connected.Load() {
			return dialBrief(ctx, dial, network, address)
		}
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return soon{c}, nil
	}
	then := cfg.AfterConnect
	cfg.AfterConnect = func(ctx context.Context, c *pgconn.PgConn) error {
		connected.Store(true)
		if then != nil {
			return then(ctx, c)
		}
		return nil
	}
	return nil
}

// dialBrief dials to ask the server to end a statement.
func dialBrief(ctx context.Context, dial pgconn.DialFunc, network, address string) (net.Conn, error) {
	end := time.Now().Add(askTime)
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	c, err := dial(ctx, network, address)
	if err == nil {
		err = c.SetDeadline(end)
	}
	return c, err
}

// A soon limits deadlines to askTime. pgx sets deadlines in the future only when it closes a connection.
type soon struct{ net.Conn }

func (s soon) SetDeadline(t time.Time) error {
	if latest := time.Now().Add(askTime); t.After(latest) {
		t = latest
	}
	return s.Conn.SetDeadline(t)
}

// NetConn returns the connection below, for [sessionsql.WatchIdle].
func (s soon) NetConn() net.Conn { return s.Conn }
