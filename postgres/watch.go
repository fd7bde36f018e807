package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	sessionsql "github.com/seed1a8f7c28/session/sql"
	"github.com/seed1a8f7c28/session/sql/pgsql"
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
func Watch(dsn string) func(
	ctx context.Context, db sessionsql.Pool, channel string, resync func(), gone func(payload string),
) error {
	return func(ctx context.Context, db sessionsql.Pool, channel string, resync func(), gone func(payload string)) error {
		l, err := listen(ctx, dsn, channel)
		if err != nil {
			return err
		}
		defer l.close()
		defer context.AfterFunc(ctx, func() { l.conn.Close() })()
		return pgsql.Hear(ctx, db, channel, l, resync, gone)
	}
}

// A listener is a connection that listens on a channel.
type listener struct {
	conn    *pq.ListenerConn
	notices chan *pq.Notification // closed when the connection has ended

	beat   *time.Ticker
	answer chan error // of the server to the last check; it comes after the notices
	heard  bool       // a notice came since the last check
}

// listen connects. lib/pq accepts no context for that, only a timeout.
func listen(ctx context.Context, dsn, channel string) (*listener, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*pgsql.ConnectTime)
	defer cancel()
	l := &listener{notices: make(chan *pq.Notification, 32), beat: time.NewTicker(pgsql.Heartbeat)}
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
	seconds := strconv.Itoa(int(pgsql.ConnectTime / time.Second))
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
	l.beat.Stop()
	l.conn.Close()
	for range l.notices {
	}
}

var errSilent = errors.New("the listening connection does not answer")

// Next implements [pgsql.Listener].
func (l *listener) Next(ctx context.Context) (payload string, err error) {
	for {
		select {
		case n, ok := <-l.notices:
			if !ok {
				return "", l.conn.Err()
			}
			l.heard = true
			return n.Extra, nil
		case <-l.beat.C:
			answered := l.answer == nil
			if !answered {
				select {
				case <-l.answer:
					answered = true
				default:
				}
			}
			switch {
			case answered:
				l.answer = make(chan error, 1)
				go l.ask(l.answer)
			case !l.heard:
				return "", errSilent
			}
			l.heard = false
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// ask sends an empty statement. After an error the connection is dead, and its notices end.
func (l *listener) ask(answer chan<- error) {
	_, err := l.conn.ExecSimpleQuery("")
	answer <- err
}
