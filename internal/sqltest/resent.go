package sqltest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// resent has a driver call a connection bad whose statement was sent, so that database/sql sends it once more, and others
// save in between. The call is a conflict only if it has certainly not made the save: who gets a conflict makes it again.
func (e Engine) resent(t *testing.T) {
	dsn := e.Empty(t)
	var lose lossy
	lossyDB := sql.OpenDB(&lossyConnector{e.DB(t, dsn).Driver(), e.driverDSN(dsn), &lose})
	t.Cleanup(func() { lossyDB.Close() })
	b, other := e.Open(t, lossyDB), e.Open(t, e.DB(t, dsn))
	for _, tt := range []struct {
		made   bool
		others int
		touch  bool
		want   string
	}{
		{made: true, others: 0, want: "made"},
		{made: true, others: 1, want: "unclear"},
		{made: true, others: 2, want: "unclear"},
		{made: true, touch: true, want: "unclear"}, // or another's save of the same values
		{made: false, others: 0, want: "made"},
		{made: false, others: 1, want: "conflict"},
		{made: false, others: 2, want: "unclear"},
	} {
		name := fmt.Sprintf("made %t, others %d, touch %t", tt.made, tt.others, tt.touch)
		ctx, key := t.Context(), sessiontest.Key(name)
		rec := &session.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a")}
		if err := b.Create(ctx, key, rec); err != nil {
			t.Fatal(err)
		}
		theirs := *rec
		theirs.Data = []byte("theirs")
		if tt.made {
			theirs.Version++
		}
		lose = lossy{armed: true, made: tt.made, then: func() (err error) {
			for range tt.others {
				err = errors.Join(err, other.Save(ctx, key, &theirs))
			}
			if tt.touch {
				err = errors.Join(err, other.Touch(ctx, key, rec.Expires.Add(time.Minute)))
			}
			return err
		}}
		rec.Data = []byte("b")
		err := b.Save(ctx, key, rec)
		got := "unclear"
		switch _, conflict := errors.AsType[*session.ConflictError](err); {
		case lose.armed || lose.err != nil:
			t.Fatalf("%s: not lost, or %v", name, lose.err)
		case err == nil:
			got = "made"
		case conflict:
			got = "conflict"
		case errors.Is(err, session.ErrNotFound):
			got = "a miss"
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s: %v", name, got, tt.want, err)
		}
	}
}

// lossy says what becomes of the next statement that is run: whether it is made, and what happens then, before its
// connection is called bad. Only one goroutine runs statements.
type lossy struct {
	armed, made bool
	then        func() error
	err         error // what went wrong meanwhile
}

// lost reports whether to call the connection bad. make makes what was sent.
func (l *lossy) lost(make func() error) bool {
	if !l.armed {
		return false
	}
	l.armed = false
	if l.made {
		l.err = make()
	}
	l.err = errors.Join(l.err, l.then())
	return true
}

type lossyConnector struct {
	driver driver.Driver
	dsn    string
	lossy  *lossy
}

func (c *lossyConnector) Driver() driver.Driver { return c.driver }

func (c *lossyConnector) Connect(context.Context) (driver.Conn, error) {
	inner, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &lossyConn{inner, c.lossy}, nil
}

type lossyConn struct {
	driver.Conn
	lossy *lossy
}

func (c *lossyConn) Prepare(query string) (driver.Stmt, error) {
	inner, err := c.Conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	return &lossyStmt{inner, c.lossy}, nil
}

type lossyStmt struct {
	driver.Stmt
	lossy *lossy
}

func (s *lossyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	inner := s.Stmt.(driver.StmtExecContext)
	if s.lossy.lost(func() error { _, err := inner.ExecContext(ctx, args); return err }) {
		return nil, driver.ErrBadConn
	}
	return inner.ExecContext(ctx, args)
}

func (s *lossyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	inner := s.Stmt.(driver.StmtQueryContext)
	query := func() error {
		rows, err := inner.QueryContext(ctx, args)
		if err != nil {
			return err
		}
		return rows.Close()
	}
	if s.lossy.lost(query) {
		return nil, driver.ErrBadConn
	}
	return inner.QueryContext(ctx, args)
}
