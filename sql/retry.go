package sql

import (
	"context"
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
// changed. If the pool never sends a statement again by itself, do also tries again if the connection was lost, as
// database/sql does. params.sent counts the tries. A statement that is sent again must do nothing the second time.
func (s *store) do(ctx context.Context, f func() error) error {
	if s.resends {
		return s.once(ctx, f)
	}
	return s.again(ctx, always, f)
}

// once is do for a statement that must not be sent again: the server may get the first one late, over a connection that was
// cut. It is sent again only if it will not be carried out any more.
func (s *store) once(ctx context.Context, f func() error) error {
	return s.again(ctx, (*store).isOver, f)
}

// isOver reports whether nothing was sent, or the server has said that it has ended the connection, with what it had been sent.
// database/sql does not say that nothing was sent: see [counted].
func (s *store) isOver(err error) bool {
	return isUnsent(err) || s.dialect.Ended != nil && s.dialect.Ended(err)
}

// read is do for statements that may run twice. It also tries again if the connection was lost.
func (s *store) read(ctx context.Context, f func() error) error { return s.again(ctx, always, f) }

func always(*store, error) bool { return true }

// again is do, and also tries again if a connection was lost with an error that resend accepts.
func (s *store) again(ctx context.Context, resend func(s *store, err error) bool, f func() error) error {
	for try, stale, lost := 0, 0, 0; ; try++ {
		err := s.insist(ctx, f)
		switch {
		case s.dialect.isReadOnly(err):
			s.weed(ctx)
		case s.dialect.isStale(err) && stale < mostStale:
			stale++
		case err != nil && lost < mostLost && resend(s, err) && s.lost(err) && !errors.Is(err, errCommit):
			lost++
			if !s.resends || s.isOver(err) { // the pool may hand out another lost connection
				s.weed(ctx)
			}
		default:
			return err
		}
		if try == mostTries || !pause.For(ctx, rand.N(time.Millisecond<<min(try, 9))) { // a server may stay read-only for longer
			return err
		}
	}
}

// mostLost limits how many lost connections a call may find.
const mostLost = 2

// mostStale limits how often a call may find a statement stale: a transaction uses six statements.
const mostStale = 10

// weed ends the pool's idle connections to servers that are read-only or gone; the caller has just returned such a connection.
// A pool hands out the connection that was used last, so the others would be found one by one, and some of them only by reads,
// which read-only servers do answer. One call at a time does this, also on behalf of the calls that arrive before it begins.
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
	s.db.Weed(ctx, s.onlyReads)
}

// onlyReads reports whether conn is unusable. A server that does not answer is treated like one that is read-only.
func (s *store) onlyReads(ctx context.Context, conn Conn) bool {
	says := false
	err := conn.Query(ctx, s.dialect.OnlyReads, nil, func(Row) error { says = true; return nil })
	return says || err != nil
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

func (s *store) lost(err error) bool {
	if _, network := errors.AsType[*net.OpError](err); network {
		return true
	}
	return errors.Is(err, sqldriver.ErrBadConn) || errors.Is(err, errNoAnswer) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
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
func (s *store) exec(ctx context.Context, tx Tx, st *statement, p *params) (int64, error) {
	if tx == nil {
		leave, err := s.turn(ctx)
		if err != nil {
			return 0, err
		}
		defer leave()
	}
	text, before := st.text(), p.sent
	n, err := s.on(tx).Exec(ctx, text, st.args(s, p))
	s.sent(p, before, err)
	st.failed(s.dialect, text, err)
	return n, err
}

// on returns tx, or the pool if tx is nil.
func (s *store) on(tx Tx) Querier {
	if tx != nil {
		return tx
	}
	return s.db
}

// sent resets p.sent to before if err says that the last try has changed nothing.
func (s *store) sent(p *params, before int, err error) {
	d := s.dialect
	if err != nil && (isUnsent(err) || d.Retry(err) || d.Duplicate(err) || d.isReadOnly(err) || d.isStale(err) || p.creates && s.isOver(err)) {
		p.sent = max(before, p.sent-1)
	}
}

// query runs a statement and calls scan for each row.
func (s *store) query(ctx context.Context, tx Tx, st *statement, p *params, scan func(Row) error) error {
	text := st.text()
	err := s.on(tx).Query(ctx, text, st.args(s, p), scan)
	st.failed(s.dialect, text, err)
	return err
}

// A step is a statement of a batch.
type step struct {
	st   *statement
	p    *params
	row  func(Row) error // see Call
	rows int64           // how many rows were changed
}

// batch runs steps one after the other, in one round trip if the driver can do that.
func (s *store) batch(ctx context.Context, tx Tx, steps []*step) error {
	calls := make([]Call, len(steps))
	for i, step := range steps {
		calls[i] = Call{Text: step.st.text(), Args: step.st.args(s, step.p), Row: step.row}
	}
	err := tx.Batch(ctx, calls)
	for i, call := range calls {
		steps[i].rows = call.Rows
		steps[i].st.failed(s.dialect, call.Text, err)
	}
	return err
}

// within runs f in a transaction. Each statement sees what others have committed before it. f may use the statements of uses.
func (s *store) within(ctx context.Context, uses []*statement, f func(tx Tx) error) error {
	texts := make([]string, len(uses))
	for i, st := range uses {
		texts[i] = st.text()
	}
	leave, err := s.turn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	tx, err := s.db.Begin(ctx, s.dialect.Isolation, texts...)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("%w: %w", errCommit, err)
	}
	return nil
}

// errCommit says that the end of a transaction failed. If the connection was lost, the server may have committed it.
var errCommit = errors.New("at the end of a transaction")
