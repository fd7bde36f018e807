package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"
	"time"
)

// A memo is a driver. It answers each query with rows, and writes down what it is asked.
type memo struct {
	conn   func() sqldriver.Conn // nil means a memoConn
	refuse error                 // of Connect
	commit error
	rows   [][]sqldriver.Value
	did    []string
}

func (*memo) Driver() sqldriver.Driver { return nil }

func (m *memo) Connect(context.Context) (sqldriver.Conn, error) {
	m.did = append(m.did, "connect")
	if m.conn != nil {
		return m.conn(), m.refuse
	}
	return memoConn{memo: m}, m.refuse
}

func (m *memo) pool(t *testing.T, prepares bool) *rawPool {
	o := newOpener(m, 4)
	db := sql.OpenDB(keeper{o})
	t.Cleanup(func() { db.Close() })
	return newRawPool(db, prepares)
}

type memoConn struct {
	fullConn
	memo *memo
}

func (c memoConn) PrepareContext(_ context.Context, text string) (sqldriver.Stmt, error) {
	c.memo.did = append(c.memo.did, "prepare "+text)
	return memoStmt{memo: c.memo, text: text}, nil
}

func (c memoConn) ExecContext(_ context.Context, text string, _ []sqldriver.NamedValue) (sqldriver.Result, error) {
	c.memo.did = append(c.memo.did, "exec "+text)
	return sqldriver.RowsAffected(7), nil
}

func (c memoConn) QueryContext(_ context.Context, text string, _ []sqldriver.NamedValue) (sqldriver.Rows, error) {
	c.memo.did = append(c.memo.did, "query "+text)
	return &memoRows{rows: c.memo.rows}, nil
}

func (c memoConn) Close() error {
	c.memo.did = append(c.memo.did, "close")
	return nil
}

func (c memoConn) BeginTx(context.Context, sqldriver.TxOptions) (sqldriver.Tx, error) {
	return memoTx{c.memo}, nil
}

type memoTx struct{ *memo }

func (t memoTx) Commit() error { return t.commit }
func (memoTx) Rollback() error { return nil }

type memoStmt struct {
	sqldriver.Stmt
	memo *memo
	text string
}

func (s memoStmt) ExecContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	return memoConn{memo: s.memo}.ExecContext(ctx, "prepared "+s.text, args)
}

func (s memoStmt) QueryContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	return memoConn{memo: s.memo}.QueryContext(ctx, "prepared "+s.text, args)
}

func (s memoStmt) Close() error {
	s.memo.did = append(s.memo.did, "close "+s.text)
	return nil
}

// memoRows uses the memory of a row's bytes again, as drivers do.
type memoRows struct {
	rows [][]sqldriver.Value
	buf  [16]byte
}

func (*memoRows) Columns() []string { return make([]string, 1) }

func (r *memoRows) Close() error {
	clear(r.buf[:])
	return nil
}

func (r *memoRows) Next(to []sqldriver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	to[0] = r.rows[0][0]
	if b, ok := to[0].([]byte); ok {
		to[0] = r.buf[:copy(r.buf[:], b)]
	}
	r.rows = r.rows[1:]
	return nil
}

// TestRawPool looks at what the driver is asked: statements with parameters are prepared once, and closed with their connection.
func TestRawPool(t *testing.T) {
	m := &memo{rows: [][]sqldriver.Value{{[]byte("one")}, {[]byte("two")}}}
	p := m.pool(t, true)
	ctx := t.Context()
	var rows []string
	for range 2 {
		var first, b []byte
		n, err := p.Exec(ctx, "A", []any{1})
		queryErr := p.QueryRow(ctx, "B", []any{1}, []any{&first})
		rowsErr := p.Query(ctx, "B", []any{1}, func(r Row) error {
			err := r.Scan(&b)
			rows = append(rows, string(b))
			return err
		})
		if n != 7 || string(first) != "one" || errors.Join(err, queryErr, rowsErr) != nil {
			t.Errorf("%d, %q, %v, %v, %v", n, first, err, queryErr, rowsErr)
		}
	}
	if want := []string{"one", "two", "one", "two"}; !slices.Equal(rows, want) {
		t.Errorf("rows %q", rows)
	}
	if _, err := p.Exec(ctx, "C", nil); err != nil {
		t.Error(err)
	}
	p.Close()
	want := []string{
		"connect", "prepare A", "exec prepared A", "prepare B", "query prepared B", "query prepared B",
		"exec prepared A", "query prepared B", "query prepared B", "exec C",
	}
	if n := len(m.did) - 3; n < 0 || !slices.Equal(m.did[:n], want) || m.did[n+2] != "close" {
		t.Errorf("the driver was asked %q, want %q, and then the statements closed before the connection", m.did, want)
	}

	m = &memo{}
	p = m.pool(t, false)
	if err := p.QueryRow(ctx, "D", []any{1}, []any{new([]byte)}); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("without rows: %v", err)
	}
	if want := []string{"connect", "query D"}; !slices.Equal(m.did, want) {
		t.Errorf("unprepared: %q", m.did)
	}
}

// TestRawPoolKeepsNothing has a connection hold on to nothing of its last call.
func TestRawPoolKeepsNothing(t *testing.T) {
	m := &memo{rows: [][]sqldriver.Value{{"secret"}}}
	p := m.pool(t, true)
	var s string
	if err := p.QueryRow(t.Context(), "A", []any{"secret"}, []any{&s}); err != nil || s != "secret" {
		t.Fatal(s, err)
	}
	conn, err := p.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Raw(func(c any) error {
		own := c.(*rawConn)
		if own.args[:1][0].Value != nil || own.values[:1][0] != nil {
			t.Error("the connection keeps a parameter or a value")
		}
		return nil
	})
}

// TestRawPoolErrors has no connection, one that cannot be used, and one whose transaction does not end.
func TestRawPoolErrors(t *testing.T) {
	refused := errors.New("refused")
	p := (&memo{refuse: refused}).pool(t, true)
	if _, err := p.Exec(t.Context(), "A", nil); !errors.Is(err, refused) || !isUnsent(err) {
		t.Errorf("no connection: %v, unsent %t", err, isUnsent(err))
	}
	if _, err := p.Begin(t.Context(), sql.LevelDefault); !errors.Is(err, refused) || !isUnsent(err) {
		t.Errorf("no connection to begin: %v, unsent %t", err, isUnsent(err))
	}
	p = (&memo{conn: func() sqldriver.Conn { return struct{ sqldriver.Conn }{memoConn{memo: new(memo)}} }}).pool(t, true)
	if _, err := p.Exec(t.Context(), "A", nil); err == nil {
		t.Error("a connection without contexts is used")
	}

	m := &memo{commit: refused}
	p = m.pool(t, true)
	tx, err := p.Begin(t.Context(), sql.LevelDefault)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := tx.Exec(t.Context(), "A", []any{1}); n != 7 || err != nil {
		t.Errorf("in a transaction: %d, %v", n, err)
	}
	if err := tx.Commit(t.Context()); !errors.Is(err, refused) {
		t.Errorf("Commit = %v", err)
	}
	tx.Rollback()
	if open := p.db.Stats().OpenConnections; open != 0 {
		t.Errorf("%d connections are open after a Commit that failed", open)
	}
}

func TestAssign(t *testing.T) {
	now := time.UnixMilli(1234567890123)
	for _, tt := range []struct {
		to   any
		v    sqldriver.Value
		want any // nil: an error
	}{
		{new(int64), int64(5), int64(5)},
		{new(int64), []byte("5"), int64(5)},
		{new(int64), nil, nil},
		{new(int64), "x", nil},
		{new(int), int64(5), 5},
		{new(bool), int64(1), true},
		{new(bool), []byte("0"), false},
		{new(string), []byte("a"), "a"},
		{new([]byte), []byte("a"), []byte("a")},
		{new([]byte), "a", []byte("a")},
		{new([]byte), nil, []byte(nil)},
		{new(*int64), nil, (*int64)(nil)},
		{new(sql.NullInt64), int64(5), sql.NullInt64{Int64: 5, Valid: true}},
		{new(sql.NullInt64), nil, sql.NullInt64{}},
		{new(text), []byte("a"), text{"a"}},
		{new(moment), now, moment{now}},
		{new(float32), 1.0, nil},
	} {
		err := assign(tt.to, tt.v)
		got := reflect.ValueOf(tt.to).Elem().Interface()
		if tt.want == nil && err == nil || tt.want != nil && (err != nil || !reflect.DeepEqual(got, tt.want)) {
			t.Errorf("%T from %#v: %#v, %v", tt.to, tt.v, got, err)
		}
	}
	n := new(int64)
	to := &n
	if err := assign(to, []byte("7")); err != nil || **to != 7 {
		t.Errorf("**int64: %v", err)
	}
	if err := (rawRow{int64(1)}).Scan(n, n); err == nil {
		t.Error("a row with too few columns")
	}
}
