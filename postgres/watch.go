package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
)

// connectTime limits how long opening the listening connection may take.
const connectTime = 5 * time.Second

const (
	heartbeat = 5 * time.Second  // how often a listening connection is checked
	probeTime = 10 * time.Second // how long the first notice may take
)

// Watch returns a function for the field Watch of a [sessionsql.Dialect]. With it, a manager learns at once of sessions
// that others end, and closes Session.Done. The provider sets the field itself. For an application's own *sql.DB set it
// yourself:
//
//	d := postgres.Dialect()
//	d.Watch = postgres.Watch(dsn)
//
// dsn is a DSN of lib/pq for the same database. Each manager in which somebody waits for Done uses one connection in
// addition to those of the pool. If notices do not come through, for example because of PgBouncer in transaction mode, the
// function notices at the start and returns an error wrapping [errors.ErrUnsupported]. The manager then checks the sessions
// at intervals.
func Watch(dsn string) func(ctx context.Context, db *sql.DB, channel string, resync func(), gone func(payload string)) error {
	return func(ctx context.Context, db *sql.DB, channel string, resync func(), gone func(payload string)) error {
		l, err := listen(ctx, dsn, channel)
		if err != nil {
			return err
		}
		defer l.close()
		defer context.AfterFunc(ctx, func() { l.conn.Close() })()
		if err := l.probe(ctx, db, channel); err != nil {
			return err
		}
		resync()
		return l.hear(ctx, gone)
	}
}

// probing is the prefix of the payload that tests a connection. It is not an id.
const probing = "probe "

// A listener is a connection that listens on a channel.
type listener struct {
	conn    *pq.ListenerConn
	notices chan *pq.Notification // closed when the connection has ended
}

// listen connects. lib/pq accepts no context for that, only a timeout.
func listen(ctx context.Context, dsn, channel string) (*listener, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*connectTime)
	defer cancel()
	l := &listener{notices: make(chan *pq.Notification, 32)}
	return l, begin(ctx, func() error { return l.open(ctx, dsn, channel) }, l.close)
}

// begin returns the result of open, or the error of ctx as soon as it is done. A connection that is opened after that is
// closed.
func begin(ctx context.Context, open func() error, closeIt func()) error {
	done := make(chan error)
	go func() {
		err := open()
		select {
		case done <- err:
		case <-ctx.Done():
			if err == nil {
				closeIt()
			}
		}
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// open closes everything if it returns an error.
func (l *listener) open(ctx context.Context, dsn, channel string) (err error) {
	dsn = withTimeout(dsn)
	if _, err := pq.NewConnector(dsn); err != nil {
		return errDSN
	}
	if l.conn, err = pq.NewListenerConn(dsn, l.notices); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { l.conn.Close() })
	_, err = l.conn.Listen(channel)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		l.close()
	}
	return err
}

// withTimeout adds a limit for the time that connecting may take.
func withTimeout(dsn string) string {
	seconds := strconv.Itoa(int(connectTime / time.Second))
	switch {
	case strings.Contains(dsn, "connect_timeout"):
		return dsn
	case !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://"):
		return dsn + " connect_timeout=" + seconds
	case strings.Contains(dsn, "?"):
		return dsn + "&connect_timeout=" + seconds
	default:
		return dsn + "?connect_timeout=" + seconds
	}
}

// close ends the connection and its goroutine.
func (l *listener) close() {
	l.conn.Close()
	for range l.notices {
	}
}

var errDeaf = errors.New("notices do not come through: there may be a pooler in between, or the DSN may be for another database")

// probe sends a notice over the pool and waits for it. A pooler that shares the server's connections accepts a LISTEN, and
// delivers the notices to any client or to none.
func (l *listener) probe(ctx context.Context, db *sql.DB, channel string) error {
	mark := probing + rand.Text()
	sending, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	if _, err := db.ExecContext(sending, `SELECT pg_notify($1, $2)`, channel, mark); err != nil {
		return err
	}
	for {
		select {
		case n, ok := <-l.notices:
			if !ok {
				return l.ended(ctx)
			}
			if n.Extra == mark {
				return nil
			}
		case <-sending.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%w: %w", errors.ErrUnsupported, errDeaf)
		}
	}
}

var errSilent = errors.New("the listening connection does not answer")

// hear passes on the notices until the connection ends.
func (l *listener) hear(ctx context.Context, gone func(payload string)) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var answer chan error // of the server to the last check; it comes after the notices
	heard := false        // a notice came since the last check
	for {
		select {
		case n, ok := <-l.notices:
			if !ok {
				return l.ended(ctx)
			}
			heard = true
			if !strings.HasPrefix(n.Extra, probing) {
				gone(n.Extra)
			}
		case <-beat.C:
			answered := answer == nil
			if !answered {
				select {
				case <-answer:
					answered = true
				default:
				}
			}
			switch {
			case answered:
				answer = make(chan error, 1)
				go l.ask(answer)
			case !heard:
				return errSilent
			}
			heard = false
		}
	}
}

// ask sends an empty statement. After an error the connection is dead, and its notices end.
func (l *listener) ask(answer chan<- error) {
	_, err := l.conn.ExecSimpleQuery("")
	answer <- err
}

func (l *listener) ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.conn.Err()
}
