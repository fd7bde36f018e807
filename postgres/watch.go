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

// connectTime is how long the connection that listens may take to open.
const connectTime = 5 * time.Second

const (
	heartbeat = 5 * time.Second  // how often a connection that listens is asked whether it is there
	probeTime = 10 * time.Second // how long the first notice may take
)

// Watch returns what a [sessionsql.Dialect] needs to hear of sessions that others end, so that Session.Done is told at
// once: the provider sets it itself, and for a *sql.DB of the application's own
//
//	d := postgres.Dialect()
//	d.Watch = postgres.Watch(dsn)
//
// does. dsn is one of lib/pq for the same database. Each manager that somebody waits in has one connection of its own,
// beside those of the pool. A way to the server on which no notices come, such as through PgBouncer in transaction mode,
// is found out at the start, and the error wraps [errors.ErrUnsupported]: sessions are then looked at now and then.
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

// probing begins what tries a connection out. It is no id.
const probing = "probe "

// A listener is a connection that listens on a channel.
type listener struct {
	conn    *pq.ListenerConn
	notices chan *pq.Notification // closed when the connection has ended
}

// listen connects. lib/pq takes no context for that, but a time.
func listen(ctx context.Context, dsn, channel string) (*listener, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*connectTime)
	defer cancel()
	l := &listener{notices: make(chan *pq.Notification, 32)}
	return l, begin(ctx, func() error { return l.open(ctx, dsn, channel) }, l.close)
}

// begin returns what open does, or the error of ctx as soon as that is done: what is opened after that is closed.
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

// open leaves nothing open with an error.
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

// withTimeout limits how long it may take to connect.
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

var errDeaf = errors.New("notices do not come through: a pooler may be in the way, or it is another database")

// probe sends a notice over the pool and waits for it. A pooler that shares the server's connections takes a LISTEN, and
// gives what comes of it to anybody or nobody.
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

var errSilent = errors.New("the connection that listens does not answer")

// hear passes on what comes, until the connection ends.
func (l *listener) hear(ctx context.Context, gone func(payload string)) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var answer chan error // of the server that was asked whether it is there: behind the notices
	heard := false        // a notice since the last beat
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

// ask sends an empty statement. An error is one of the connection, whose notices then end.
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
