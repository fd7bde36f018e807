package sql

import (
	"context"
	sqldriver "database/sql/driver"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

func TestStatements(t *testing.T) {
	d := &Dialect{Quote: '"', Now: "now()", HourNow: "h()", HourExpires: "h(expires_at)"}
	for _, tt := range []struct {
		template, table string
		numbered        bool
		text            string
		names           []string
	}{
		{"SELECT 1", "t", true, "SELECT 1", nil},
		{"UPDATE {table} SET a = :ns, b = :id, c = :ns", "t", true, `UPDATE "t" SET a = $1, b = $2, c = $1`, []string{"ns", "id"}},
		{"UPDATE {table} SET a = :ns, b = :id, c = :ns", "t", false, `UPDATE "t" SET a = ?, b = ?, c = ?`, []string{"ns", "id", "ns"}},
		{"CREATE INDEX {name}_gc ON {table} (x)", "app.t", true, `CREATE INDEX t_gc ON "app"."t" (x)`, nil},
		{"SELECT '00:00:00', :id WHERE {live}", "t", true, `SELECT '00:00:00', $1 WHERE version > 0 AND expires_at > now()`, []string{"id"}},
	} {
		d.Numbered = tt.numbered
		st := newStatement(d, tt.table, tt.template)
		if st.text() != tt.text || !slices.Equal(st.names, tt.names) {
			t.Errorf("%s: %s %q, want %s %q", tt.template, st.text(), st.names, tt.text, tt.names)
		}
	}
}

// TestFixedTexts checks that nothing from outside is in a statement: that of each call is the same for all keys,
// users and data.
func TestFixedTexts(t *testing.T) {
	s := newStore(nil, &Dialect{Quote: '"', Statements: Standard()}, "sessions", "'; DROP TABLE sessions; --")
	if len(s.all) < 20 {
		t.Fatalf("%d statements", len(s.all))
	}
	for _, st := range s.all {
		if strings.Contains(st.text(), "DROP") || strings.ContainsAny(st.text(), "{}") {
			t.Errorf("statement: %s", st.text())
		}
	}
	for _, st := range s.all {
		for i, arg := range st.args(s, &params{ids: [][]byte{{1}}}) {
			if _, unknown := arg.(unknownParameter); unknown {
				t.Errorf("%s: the parameter %s is not known", st.text(), st.names[i])
			}
		}
	}
	odd := newStatement(s.dialect, "sessions", "SELECT :usr").args(s, new(params))
	if _, err := odd[0].(sqldriver.Valuer).Value(); err == nil || !strings.Contains(err.Error(), ":usr") {
		t.Errorf("a misspelt parameter: %v", err)
	}
	st := newStatement(s.dialect, "sessions", Standard().Expired)
	args := st.args(s, &params{ids: [][]byte{{1}, {2}}})
	if len(args) != 1+batchSize || args[batchSize].([]byte)[0] != 2 {
		t.Errorf("a short list of keys is not filled up: %d arguments", len(args))
	}
}

func TestKeys(t *testing.T) {
	sum := make([]byte, 32)
	for i := range sum {
		sum[i] = byte(255 - i)
	}
	key := base64.RawURLEncoding.EncodeToString(sum)
	if !slices.Equal(idOf(key), sum) || keyOf(sum) != key {
		t.Errorf("the id of a key is not its 32 bytes")
	}
	seen := map[string]string{string(idOf(key)): key}
	for _, other := range []string{"", "k", key[:42], key + "A", key[:42] + "B", strings.ToLower(key), key[:42] + "\n", strings.Repeat("k", 1000)} {
		id := string(idOf(other))
		if len(id) != 32 || seen[id] != "" {
			t.Errorf("the id of %q has %d bytes or is that of %q", other, len(id), seen[id])
		}
		seen[id] = other
	}
}

var errBusy, errGone, errReads, errStale = errors.New("deadlock"), errors.New("gone"), errors.New("only reads"), errors.New("stale")

func testStore() *store {
	return &store{resends: true, dialect: &Dialect{
		Name:      "test",
		Retry:     func(err error) bool { return errors.Is(err, errBusy) },
		Lost:      func(err error) bool { return errors.Is(err, errGone) },
		ReadOnly:  func(err error) bool { return errors.Is(err, errReads) },
		Stale:     func(err error) bool { return errors.Is(err, errStale) },
		Duplicate: func(error) bool { return false },
	}}
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, alone := testStore(), testStore()
		alone.resends = false
		failing := func(err error, times int) (f func() error, calls *int) {
			calls = new(int)
			return func() error {
				if *calls++; *calls <= times {
					return err
				}
				return nil
			}, calls
		}
		for _, tt := range []struct {
			name  string
			do    func(ctx context.Context, f func() error) error
			err   error
			times int
			fails bool
			calls int
		}{
			{"deadlocks", s.do, errBusy, 10, false, 11},
			{"deadlocks without end", s.do, errBusy, 1000, true, 101},
			{"a change whose connection was lost", s.do, errGone, 1, true, 1},
			{"a read whose connection was lost", s.read, errGone, 2, false, 3},
			{"connections lost without end", s.read, errGone, 1000, true, 3},
			{"a server that only reads", s.do, errReads, 50, false, 51},
			{"a server that only reads for ever", s.do, errReads, 1000, true, 101},
			{"stale statements", s.do, errStale, 10, false, 11},
			{"stale statements without end", s.read, errStale, 1000, true, 11},
			{"another error", s.read, session.ErrNotFound, 1, true, 1},
			{"a change whose connection was lost, and nobody else sends it again", alone.do, errGone, 2, false, 3},
			{"such changes without end", alone.do, errGone, 1000, true, 3},
			{"such reads without end", alone.read, errGone, 1000, true, 3},
			{"a transaction that may have ended", alone.do, fmt.Errorf("%w: %w", errCommit, errGone), 1, true, 1},
		} {
			f, calls := failing(tt.err, tt.times)
			if err := tt.do(t.Context(), f); (err != nil) != tt.fails || *calls != tt.calls {
				t.Errorf("%s: %v after %d calls, want %d calls, an error: %t", tt.name, err, *calls, tt.calls, tt.fails)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		f, _ := failing(errBusy, 1000)
		if begin := time.Now(); s.do(ctx, f) == nil || time.Since(begin) > 100*time.Millisecond {
			t.Errorf("the wait for others took %v, want 100ms", time.Since(begin))
		}
	})
}

// TestSent counts what may have changed something: a refusal has not.
func TestSent(t *testing.T) {
	s := testStore()
	for err, want := range map[error]int{nil: 3, errGone: 3, errBusy: 2, errReads: 2, errStale: 2, Unsent(errGone): 2} {
		p := &params{sent: 3}
		if s.sent(p, 1, err); p.sent != want {
			t.Errorf("%v: sent %d times, want %d", err, p.sent, want)
		}
	}
}

func TestMoments(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123)
	for _, tt := range []struct {
		from any
		want time.Time
	}{
		{nil, time.Time{}},
		{int64(0), time.Time{}},
		{[]byte("0"), time.Time{}},
		{at.UnixMilli(), at},
		{[]byte("1700000000123"), at},
		{[]byte("infinity"), time.UnixMilli(math.MaxInt64)}, // of lib/pq
		{"-infinity", time.UnixMilli(math.MinInt64)},        // of pgx
		{at.Add(999 * time.Microsecond), at},
	} {
		m := moment{time.Unix(1, 0)}
		if err := m.Scan(tt.from); err != nil || !m.Equal(tt.want) {
			t.Errorf("Scan(%v) = %v, %v; want %v", tt.from, m.Time, err, tt.want)
		}
	}
	for _, from := range []any{"x", 1.5, []byte("x")} {
		if new(moment).Scan(from) == nil {
			t.Errorf("Scan(%v) succeeded", from)
		}
	}
}

// TestStale has a statement be stale for several calls at a time: it gets one new text, and another the next time.
func TestStale(t *testing.T) {
	d := testStore().dialect
	st := newStatement(d, "t", "SELECT 1")
	for _, tt := range []struct {
		text string
		err  error
		want string
	}{
		{"SELECT 1", nil, "SELECT 1"},
		{"SELECT 1", errGone, "SELECT 1"},
		{"SELECT 1", errStale, "SELECT 1 -- 1"},
		{"SELECT 1", errStale, "SELECT 1 -- 1"},
		{"SELECT 1 -- 1", errStale, "SELECT 1 -- 2"},
	} {
		if st.failed(d, tt.text, tt.err); st.text() != tt.want {
			t.Errorf("after %v of %q the text is %q, want %q", tt.err, tt.text, st.text(), tt.want)
		}
	}
}
