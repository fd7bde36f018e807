package pgsql

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

const (
	// ConnectTime limits how long opening a listening connection may take.
	ConnectTime = 5 * time.Second

	// Heartbeat is how often a listening connection is checked while no notice comes.
	Heartbeat = 5 * time.Second

	probeTime = 10 * time.Second // how long the first notice may take
)

// A Listener is a connection that listens on a channel.
type Listener interface {
	// Next waits for the next notice. It returns an error if the connection has ended or does not answer, or if ctx is done.
	Next(ctx context.Context) (payload string, err error)
}

// probing is the prefix of the payload that tests a connection. It is not an id.
const probing = "probe "

var errDeaf = errors.New("notices do not come through: there may be a pooler in between, or the listener may be for another database")

// Hear is Watch of a [sessionsql.Dialect] for a listener on the channel, whose connection is not one of db. If no notices come, the error
// wraps [errors.ErrUnsupported].
func Hear(
	ctx context.Context, db sessionsql.Pool, channel string, l Listener, resync func(), gone func(payload string),
) error {
	if err := probeNotices(ctx, db, channel, l); err != nil {
		return err
	}
	resync()
	for {
		payload, err := l.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case !strings.HasPrefix(payload, probing):
			gone(payload)
		}
	}
}

// probeNotices sends a notice over the pool and waits for it. A pooler that shares the server's connections accepts a LISTEN,
// and delivers the notices to any client or to none.
func probeNotices(ctx context.Context, db sessionsql.Pool, channel string, l Listener) error {
	mark := probing + rand.Text()
	sending, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	if _, err := db.Exec(sending, `SELECT pg_notify($1, $2)`, []any{channel, mark}); err != nil {
		return err
	}
	for {
		payload, err := l.Next(sending)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case sending.Err() != nil:
			return fmt.Errorf("%w: %w", errors.ErrUnsupported, errDeaf)
		case err != nil:
			return err
		case payload == mark:
			return nil
		}
	}
}
