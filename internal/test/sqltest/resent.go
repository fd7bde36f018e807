package sqltest

import (
	"cmp"
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// resent makes a driver report a bad connection after it has sent a statement, so that database/sql sends it once more,
// while others save in between. The call may return a conflict only if its save was certainly not made, because the caller
// repeats a save after a conflict.
func (e Engine) resent(t *testing.T) {
	var lose lossy
	b, other := e.lossy(t, &lose)
	for _, tt := range []struct {
		made   bool
		others int
		touch  bool
		ends   bool // the others end the session
		want   string
	}{
		{made: true, ends: true, want: "unclear"},
		{made: false, ends: true, want: "unclear"},
		{made: true, others: 0, want: "made"},
		{made: true, others: 1, want: "unclear"},
		{made: true, others: 2, want: "unclear"},
		{made: true, touch: true, want: "unclear"}, // or another save of the same values
		{made: false, others: 0, want: "made"},
		{made: false, others: 1, want: "conflict"},
		{made: false, others: 2, want: "unclear"},
	} {
		name := fmt.Sprintf("made %t, others %d, touch %t, ends %t", tt.made, tt.others, tt.touch, tt.ends)
		ctx, key := t.Context(), sessiontest.Key(name)
		rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a")}
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
			if tt.ends {
				err = errors.Join(err, other.Delete(ctx, key, 0))
			}
			return err
		}}
		rec.Data = []byte("b")
		err := b.Save(ctx, key, rec)
		got := "unclear"
		switch _, conflict := errors.AsType[*driver.ConflictError](err); {
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

// lostMark loses the answer to a statement that leaves a mark. The statement may have been made or not, and others may act
// before it is sent once more.
func (e Engine) lostMark(t *testing.T) {
	var lose lossy
	b, other := e.lossy(t, &lose)
	ctx := t.Context()
	mark := driver.Mark{Kind: 1, Target: []byte("target"), Expires: time.Now().Add(time.Hour)}
	theirs := driver.Mark{Kind: 1, Target: []byte("theirs"), Expires: mark.Expires}
	for _, tt := range []struct {
		name    string
		made    bool
		version uint64
		then    func(key string) error // what others do in between
		want    string
	}{
		{"made", true, 1, nil, "marked"},
		{"not made", false, 1, nil, "marked"},
		{"of nothing, made", true, 0, nil, "marked"},
		{"of nothing, not made", false, 0, nil, "marked"},
		{"others mark", false, 1, func(key string) error { return other.(driver.Marker).Mark(ctx, key, 1, theirs) }, "unclear"},
		{"others mark nothing", false, 0, func(key string) error { return other.(driver.Marker).Mark(ctx, key, 0, theirs) }, "exists"},
		{"others end it", false, 1, func(key string) error { return other.Delete(ctx, key, 0) }, "unclear"},
	} {
		key := sessiontest.Key(tt.name)
		if tt.version > 0 {
			check(t, b.Create(ctx, key, &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)}))
		}
		lose = lossy{armed: true, made: tt.made, then: func() error {
			if tt.then == nil {
				return nil
			}
			return tt.then(key)
		}}
		err := b.(driver.Marker).Mark(ctx, key, tt.version, mark)
		got := "unclear"
		switch {
		case lose.armed || lose.err != nil:
			t.Fatalf("%s: not lost, or %v", tt.name, lose.err)
		case err == nil:
			got = "marked"
		case errors.Is(err, session.ErrExists):
			got = "exists"
		case errors.Is(err, session.ErrNotFound):
			got = "a miss"
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s: %v", tt.name, got, tt.want, err)
		}
	}

	// A rename that leaves a mark, with a lost answer: there must be one record, under the new key.
	for _, made := range []bool{true, false} {
		old, next := sessiontest.Key(fmt.Sprint("old", made)), sessiontest.Key(fmt.Sprint("next", made))
		rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a")}
		check(t, b.Create(ctx, old, rec))
		lose = lossy{armed: true, made: made, then: func() error { return nil }}
		err := b.(driver.Renamer).Rename(ctx, old, 1, next, rec, mark)
		if err != nil || lose.armed || lose.err != nil {
			t.Errorf("Rename = %v, made %t, %v", err, made, lose.err)
		}
		check(t, other.Load(ctx, next, new(driver.Record)))
		err = other.Load(ctx, old, new(driver.Record))
		if m, ok := errors.AsType[*driver.MarkedError](err); !ok || string(m.Mark.Target) != "target" {
			t.Errorf("after a Rename that leaves a mark, made %t, Load = %v", made, err)
		}
	}

	// The record of a rename is gone when it is sent again. Whether it was made is unclear.
	for _, made := range []bool{true, false} {
		old, next := sessiontest.Key(fmt.Sprint("gone ", made)), sessiontest.Key(fmt.Sprint("gone to ", made))
		rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a")}
		check(t, b.Create(ctx, old, rec))
		lose = lossy{armed: true, made: made, then: func() error {
			return errors.Join(other.Delete(ctx, old, 0), other.Delete(ctx, next, 0))
		}}
		err := b.(driver.Renamer).Rename(ctx, old, 1, next, rec, driver.Mark{})
		if err == nil || errors.Is(err, session.ErrNotFound) || lose.armed || lose.err != nil {
			t.Errorf("Rename whose record is gone = %v, made %t, %v, want an error that is not a miss", err, made, lose.err)
		}
	}
	if e.Driver != "mysql" {
		return
	}
	// If the mark is a second step, its failure does not make the rename fail.
	old, next := sessiontest.Key("old"), sessiontest.Key("next")
	rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)}
	check(t, b.Create(ctx, old, rec))
	lose = lossy{armed: true, after: 1, then: func() error { return nil }, with: io.ErrUnexpectedEOF}
	if err := b.(driver.Renamer).Rename(ctx, old, 1, next, rec, mark); err != nil || lose.armed {
		t.Errorf("Rename whose mark fails = %v", err)
	}
	check(t, other.Load(ctx, next, new(driver.Record)))
	if _, marked := errors.AsType[*driver.MarkedError](other.Load(ctx, old, new(driver.Record))); marked {
		t.Error("there is a mark, which should have failed")
	}
}

// lossy opens two backends on one database. The first one loses answers.
func (e Engine) lossy(t *testing.T, lose *lossy) (b, other driver.Backend) {
	dsn := e.Empty(t)
	db := sql.OpenDB(&lossyConnector{e.DB(t, dsn).Driver(), e.driverDSN(dsn), lose})
	t.Cleanup(func() { db.Close() })
	return e.Open(t, db), e.Open(t, e.DB(t, dsn))
}

// inBetween lets others act between the statements of one call.
func (e Engine) inBetween(t *testing.T) {
	var lose lossy
	b, other := e.lossy(t, &lose)
	ctx := t.Context()
	newRecord := func(user string) *driver.Record {
		return &driver.Record{
			User: user, Created: time.Now(), AuthTime: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a"),
		}
	}
	create := func(key, user string) *driver.Record {
		t.Helper()
		rec := newRecord(user)
		if err := b.Create(ctx, key, rec); err != nil {
			t.Fatal(err)
		}
		return rec
	}
	stored := func(key string) bool { return other.Load(ctx, key, new(driver.Record)) == nil }

	// The new key is taken. When the next statement begins, the record there has expired, and the old record has been
	// saved.
	old, next := sessiontest.Key("old"), sessiontest.Key("next")
	saved, expired := create(old, ""), create(next, "")
	lose = lossy{armed: true, kept: true, after: 1, then: func() error {
		expired.Shorten, expired.Expires = true, time.Now().Add(-time.Second)
		return errors.Join(other.Save(ctx, next, expired), other.Save(ctx, old, saved))
	}}
	err := b.(driver.Renamer).Rename(ctx, old, 1, next, newRecord(""), driver.Mark{})
	if _, conflict := errors.AsType[*driver.ConflictError](err); !conflict || lose.armed || lose.err != nil {
		t.Errorf("Rename = %v, want a conflict: %v", err, lose.err)
	}
	if !stored(old) || stored(next) {
		t.Errorf("under the old key there is a record: %t, under the new one: %t", stored(old), stored(next))
	}

	// The connection is lost after one record was evicted: the eviction is rolled back, and nobody is told of it.
	create(sessiontest.Key("ann"), "Ann")
	lose = lossy{armed: true, after: 3, then: func() error { return nil }, with: io.ErrUnexpectedEOF}
	evicted, err := b.(driver.UserLimiter).Reserve(ctx, "Ann", sessiontest.Key("more"), time.Now().Add(time.Minute), 1, true)
	if err == nil || len(evicted) > 0 || lose.armed {
		t.Errorf("Reserve = %d evicted, %v", len(evicted), err)
	}
	if !stored(sessiontest.Key("ann")) {
		t.Error("the record is gone")
	}
}

// lossy says what happens to the next statement, or to a later one: whether it is run, and what happens before its
// connection is reported as bad, unless kept is set. Only one goroutine runs statements.
type lossy struct {
	armed, made bool
	after       int // number of statements before it
	then        func() error
	kept        bool  // the statement is run last, and is answered
	with        error // replaces sqldriver.ErrBadConn, after which it would be sent again
	err         error // an error in between
}

// lost reports whether to report the connection as bad. make runs the statement.
func (l *lossy) lost(make func() error) bool {
	if !l.armed {
		return false
	}
	if l.after > 0 {
		l.after--
		return false
	}
	l.armed = false
	if l.made {
		l.err = make()
	}
	l.err = errors.Join(l.err, l.then())
	return !l.kept
}

type lossyConnector struct {
	driver sqldriver.Driver
	dsn    string
	lossy  *lossy
}

func (c *lossyConnector) Driver() sqldriver.Driver { return c.driver }

func (c *lossyConnector) Connect(context.Context) (sqldriver.Conn, error) {
	inner, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &lossyConn{inner, c.lossy}, nil
}

type lossyConn struct {
	sqldriver.Conn
	lossy *lossy
}

func (c *lossyConn) Prepare(query string) (sqldriver.Stmt, error) {
	inner, err := c.Conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	return &lossyStmt{inner, c.lossy}, nil
}

func (c *lossyConn) BeginTx(ctx context.Context, opts sqldriver.TxOptions) (sqldriver.Tx, error) {
	return c.Conn.(sqldriver.ConnBeginTx).BeginTx(ctx, opts)
}

type lossyStmt struct {
	sqldriver.Stmt
	lossy *lossy
}

func (s *lossyStmt) ExecContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	inner := s.Stmt.(sqldriver.StmtExecContext)
	if s.lossy.lost(func() error { _, err := inner.ExecContext(ctx, args); return err }) {
		return nil, cmp.Or(s.lossy.with, sqldriver.ErrBadConn)
	}
	return inner.ExecContext(ctx, args)
}

func (s *lossyStmt) QueryContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	inner := s.Stmt.(sqldriver.StmtQueryContext)
	query := func() error {
		rows, err := inner.QueryContext(ctx, args)
		if err != nil {
			return err
		}
		return rows.Close()
	}
	if s.lossy.lost(query) {
		return nil, cmp.Or(s.lossy.with, sqldriver.ErrBadConn)
	}
	return inner.QueryContext(ctx, args)
}
