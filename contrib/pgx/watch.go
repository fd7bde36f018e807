package pgx

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	sessionsql "github.com/seed1a8f7c28/session/sql"
	"github.com/seed1a8f7c28/session/sql/pgsql"
)

// watch returns the Watch of a dialect. It opens one connection beside those of the pool, with the same config.
func watch(cfg *pgxpool.Config) func(
	ctx context.Context, db sessionsql.Pool, channel string, resync func(), gone func(payload string),
) error {
	return func(ctx context.Context, db sessionsql.Pool, channel string, resync func(), gone func(payload string)) error {
		c, err := listen(ctx, cfg, channel)
		if err != nil {
			return err
		}
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
			defer cancel()
			c.Close(ctx)
			<-c.PgConn().CleanupDone()
		}()
		return pgsql.Hear(ctx, db, channel, listener{c}, resync, gone)
	}
}

func listen(ctx context.Context, cfg *pgxpool.Config, channel string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, pgsql.ConnectTime)
	defer cancel()
	own := cfg.ConnConfig.Copy()
	if cfg.BeforeConnect != nil {
		if err := cfg.BeforeConnect(ctx, own); err != nil {
			return nil, err
		}
	}
	own.OnNotification = nil // pgx then keeps notices for WaitForNotification
	if err := sayGoodbyeSoon(ctx, own); err != nil {
		return nil, err
	}
	c, err := pgx.ConnectConfig(ctx, own)
	if err != nil {
		return nil, err
	}
	if _, err := c.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// A listener is a connection that listens.
type listener struct{ c *pgx.Conn }

// Next implements [pgsql.Listener].
func (l listener) Next(ctx context.Context) (payload string, err error) {
	for {
		waiting, cancel := context.WithTimeout(ctx, pgsql.Heartbeat)
		n, err := l.c.WaitForNotification(waiting)
		silent := waiting.Err() != nil
		cancel()
		switch {
		case n != nil:
			return n.Payload, nil
		case ctx.Err() != nil:
			return "", ctx.Err()
		case !silent:
			return "", err
		}
		if err := l.ping(ctx); err != nil {
			return "", err
		}
	}
}

var errSilent = errors.New("the listening connection does not answer")

func (l listener) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, pgsql.Heartbeat, errSilent)
	defer cancel()
	if err := l.c.Ping(ctx); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return nil
}
