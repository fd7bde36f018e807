package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// mostTries limits the tries of a call that others block. Only a context without a deadline allows that many.
const mostTries = 100

// do is insist, and also tries again if the connection was unusable: it led to a read-only server, such as the former
// primary after a failover, or its prepared statement was made before the table was changed. In both cases nothing was
// changed.
func (s *store) do(ctx context.Context, f func() error) error {
	for try, stale := 0, 0; ; try++ {
		err := s.insist(ctx, f)
		switch {
		case s.dialect.isReadOnly(err):
			s.weed(ctx)
		case s.dialect.isStale(err) && stale < mostStale:
			stale++
		default:
			return err
		}
		if try == mostTries || !pause.For(ctx, rand.N(time.Millisecond<<min(try, 9))) { // a server may stay read-only for longer
			return err
		}
	}
}

// mostStale limits how often a call may find a statement stale: a transaction uses six statements.
const mostStale = 10

// weed ends the pool's idle connections to read-only servers; the caller has just returned such a connection. database/sql
// hands out the connection that was used last, so the others would be found one by one, and some of them only by reads,
// which those servers do answer. One call at a time does this, also on behalf of the calls that arrive before it begins.
func (s *store) weed(ctx context.Context) {
	if s.dialect.OnlyReads == "" {
		return
	}
	before := s.weeds.Load()
	select {
	case s.weeding <- struct{}{}:
		defer func() { <-s.weeding }()
	case <-ctx.Done():
		return
	}
	if s.weeds.Load() != before {
		return
	}
	s.weeds.Add(1)
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	for range 1 + 2*s.db.Stats().OpenConnections { // others may be returning theirs at the same time
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return
		}
		defer conn.Close() // only after all were checked, or the same one would be handed out again
		if s.onlyReads(ctx, conn) {
			conn.Raw(func(any) error { return sqldriver.ErrBadConn })
		}
		if s.db.Stats().Idle == 0 {
			return
		}
	}
}

// onlyReads reports whether conn is unusable. A server that does not answer is treated like one that is read-only.
func (s *store) onlyReads(ctx context.Context, conn *sql.Conn) bool {
	rows, err := conn.QueryContext(ctx, s.dialect.OnlyReads)
	if err != nil {
		return true
	}
	defer rows.Close()
	return rows.Next() || rows.Err() != nil
}

// insist runs f, and runs it again while others block it, until ctx is done. It also does so if database/sql has waited for
// a connection for less time than ctx allows.
func (s *store) insist(ctx context.Context, f func() error) error {
	const most, mostWaits = mostTries, 3
	for try, waits := 0, 0; ; try++ {
		err := f()
		if err == nil {
			return nil
		}
		again := s.dialect.Retry(err)
		if errors.Is(err, errNotOpen) {
			waits++
			_, ends := ctx.Deadline()
			again = ends || waits < mostWaits
		}
		if !again || try == most || !pause.For(ctx, backoff(try)) {
			return err
		}
	}
}

// read is do for statements that may run twice. It also tries again if the connection was lost.
func (s *store) read(ctx context.Context, f func() error) error {
	const most = 2
	for try := 0; ; try++ {
		err := s.do(ctx, f)
		if err == nil || !s.lost(err) || try == most || !pause.For(ctx, backoff(try)) {
			return err
		}
	}
}

func (s *store) lost(err error) bool {
	if _, network := errors.AsType[*net.OpError](err); network {
		return true
	}
	return errors.Is(err, sqldriver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		s.dialect.Lost(err)
}

// backoff returns how long to wait after a try: up to 1, 2, 4 and so on to 64 milliseconds.
func backoff(try int) time.Duration {
	return rand.N(time.Millisecond << min(try, 6))
}

// fail adds the name of the call to a database error, and the end of its context, which not every driver reports: some
// return what the server or the network reported. It returns errors of package session unchanged.
func (s *store) fail(ctx context.Context, call string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, driver.ErrNotFound), errors.Is(err, driver.ErrExists), errors.Is(err, driver.ErrTooLarge),
		errors.Is(err, driver.ErrTooManySessions):
		return err
	}
	if _, conflict := errors.AsType[*driver.ConflictError](err); conflict {
		return err
	}
	return fmt.Errorf("session/%s: %s: %w", s.dialect.Name, call, ended(ctx, err))
}

// ended adds the end of ctx to err, unless err already contains it.
func ended(ctx context.Context, err error) error {
	end := ctx.Err()
	if deadline, ok := ctx.Deadline(); ok && end == nil && !time.Now().Before(deadline) {
		end = context.DeadlineExceeded // the network has noticed it before ctx
	}
	if end == nil || errors.Is(err, end) {
		return err
	}
	return fmt.Errorf("%w: %w", end, err)
}

// turn waits until this process may write, on databases that accept one writer at a time.
func (s *store) turn(ctx context.Context) (leave func(), err error) {
	if s.writer == nil {
		return func() {}, nil
	}
	select {
	case s.writer <- struct{}{}:
		return func() { <-s.writer }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// exec runs a statement that changes rows and returns their number. tx may be nil.
func (s *store) exec(ctx context.Context, tx *sql.Tx, st *statement, p *params) (int64, error) {
	if tx == nil {
		leave, err := s.turn(ctx)
		if err != nil {
			return 0, err
		}
		defer leave()
	}
	prepared, err := st.on(ctx, s.db, tx)
	if err != nil {
		return 0, err
	}
	before := p.sent
	result, err := prepared.exec(ctx, st.args(s, p))
	s.sent(p, before, err)
	if err != nil {
		st.failed(s.dialect, prepared, err)
		return 0, err
	}
	return result.RowsAffected()
}

// sent resets p.sent to before if err says that the last try has changed nothing.
func (s *store) sent(p *params, before int, err error) {
	d := s.dialect
	if err != nil && (d.Retry(err) || d.Duplicate(err) || d.isReadOnly(err) || d.isStale(err)) {
		p.sent = max(before, p.sent-1)
	}
}

// query runs a statement and calls scan for each row.
func (s *store) query(ctx context.Context, tx *sql.Tx, st *statement, p *params, scan func(rows *sql.Rows) error) error {
	prepared, err := st.on(ctx, s.db, tx)
	if err != nil {
		return err
	}
	rows, err := prepared.query(ctx, st.args(s, p))
	if err != nil {
		st.failed(s.dialect, prepared, err)
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	st.failed(s.dialect, prepared, rows.Err())
	return rows.Err()
}

// within runs f in a transaction. Each statement sees what others have committed before it. The statements that f uses are
// prepared first: f holds a connection and must not wait for another.
func (s *store) within(ctx context.Context, used []*statement, f func(tx *sql.Tx) error) error {
	for _, st := range used {
		if _, err := st.on(ctx, s.db, nil); err != nil {
			return err
		}
	}
	leave, err := s.turn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.dialect.Isolation})
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}
