package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A statement is prepared at its first use, if preparing is allowed. database/sql prepares it again on each connection,
// including those that replace lost ones.
type statement struct {
	text       string
	names      []string // the parameters in order
	unprepared bool     // each call sends the text

	mu       sync.Mutex
	prepared *sql.Stmt
	stale    []*sql.Stmt // prepared before the table was changed; running calls may still use them
}

// newStatement makes a statement from a template.
func newStatement(d *Dialect, table, template string) *statement {
	st := &statement{unprepared: d.unprepared}
	var text strings.Builder
	numbers := make(map[string]int)
	param := func(name string) {
		n, known := numbers[name]
		if !known || !d.Numbered {
			st.names = append(st.names, name)
			n = len(st.names)
			numbers[name] = n
		}
		if d.Numbered {
			text.WriteString("$" + strconv.Itoa(n))
		} else {
			text.WriteByte('?')
		}
	}
	rest := d.expand(template, table)
	for rest != "" {
		i := strings.IndexAny(rest, ":{")
		if i < 0 {
			break
		}
		text.WriteString(rest[:i])
		rest = rest[i:]
		end := 1
		for end < len(rest) && 'a' <= rest[end] && rest[end] <= 'z' {
			end++
		}
		switch {
		case strings.HasPrefix(rest, "{ids}"):
			for i := range batchSize {
				if i > 0 {
					text.WriteString(", ")
				}
				param("ids" + strconv.Itoa(i))
			}
			end = len("{ids}")
		case end > 1 && rest[0] == ':':
			param(rest[1:end])
		default:
			text.WriteString(rest[:end])
		}
		rest = rest[end:]
	}
	text.WriteString(rest)
	st.text = text.String()
	return st
}

// A ready statement can be run.
type ready struct {
	prepared *sql.Stmt // nil if nothing is prepared
	base     *sql.Stmt // not bound to a transaction
	db       database
	text     string
}

// A database is a [*sql.DB] or a [*sql.Tx].
type database interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

func (r ready) exec(ctx context.Context, args []any) (sql.Result, error) {
	if r.prepared == nil {
		return r.db.ExecContext(ctx, r.text, args...)
	}
	return r.prepared.ExecContext(ctx, args...)
}

func (r ready) query(ctx context.Context, args []any) (*sql.Rows, error) {
	if r.prepared == nil {
		return r.db.QueryContext(ctx, r.text, args...)
	}
	return r.prepared.QueryContext(ctx, args...)
}

func (r ready) queryRow(ctx context.Context, args []any) *sql.Row {
	if r.prepared == nil {
		return r.db.QueryRowContext(ctx, r.text, args...)
	}
	return r.prepared.QueryRowContext(ctx, args...)
}

// on returns the statement for tx, or for any connection if tx is nil.
func (st *statement) on(ctx context.Context, db *sql.DB, tx *sql.Tx) (ready, error) {
	switch {
	case st.unprepared && tx != nil:
		return ready{db: tx, text: st.text}, nil
	case st.unprepared:
		return ready{db: db, text: st.text}, nil
	}
	st.mu.Lock()
	prepared, text := st.prepared, st.text
	if n := len(st.stale); n > 0 { // the text must differ, or pgx would use the old statement
		text += " -- " + strconv.Itoa(n)
	}
	st.mu.Unlock()
	if prepared == nil {
		var err error
		if prepared, err = db.PrepareContext(ctx, text); err != nil {
			return ready{}, err
		}
		st.mu.Lock()
		if st.prepared == nil {
			st.prepared = prepared
		} else {
			defer prepared.Close()
			prepared = st.prepared
		}
		st.mu.Unlock()
	}
	if tx != nil {
		return ready{prepared: tx.StmtContext(ctx, prepared), base: prepared}, nil
	}
	return ready{prepared: prepared, base: prepared}, nil
}

// failed makes sure that the statement is prepared again at its next use, if err says that it is stale.
func (st *statement) failed(d *Dialect, r ready, err error) {
	if st.unprepared || !d.isStale(err) {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.prepared == r.base {
		st.prepared, st.stale = nil, append(st.stale, r.base)
	}
}

func (st *statement) close() {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, stale := range st.stale {
		stale.Close()
	}
	if st.prepared != nil {
		st.prepared.Close()
	}
}

// params are the values of a statement's parameters.
type params struct {
	id, to  []byte
	version uint64
	rec     *driver.Record // if nil, expires, user and alias are used
	expires time.Time
	user    string
	alias   string
	mark    driver.Mark // left by a rename
	ids     [][]byte    // at most batchSize, at least one
	maxData int         // maximum length of the data returned, in bytes; 0 for no limit

	sent int // how often a statement that may have changed something was sent, or was about to be sent
}

// args returns the parameters in the order of the statement.
func (st *statement) args(s *store, p *params) []any {
	args := make([]any, len(st.names))
	for i, name := range st.names {
		args[i] = s.arg(p, name)
	}
	return args
}

func (s *store) arg(p *params, name string) any {
	d, rec := s.dialect, p.rec
	if rec == nil {
		rec = &driver.Record{Expires: p.expires, User: p.user, Alias: p.alias}
	}
	switch name {
	case "ns":
		return s.ns
	case "id":
		return counted{s, p}
	case "to":
		return s.idArg(p.to)
	case "version":
		return int64(p.version)
	case "user":
		return d.name(rec.User)
	case "created":
		return d.time(rec.Created)
	case "auth":
		return d.time(rec.AuthTime)
	case "expires":
		return d.time(rec.Expires)
	case "deadline":
		return d.time(rec.Deadline)
	case "alias":
		return d.name(rec.Alias)
	case "meta":
		if len(rec.Meta) == 0 {
			return nil
		}
		return rec.Meta
	case "bucket":
		return bucket(rec.Expires)
	case "mark":
		return p.mark.Record().Data
	case "markexpires":
		return d.time(p.mark.Expires)
	case "markbucket":
		return bucket(p.mark.Expires)
	case "shorten":
		if rec.Shorten {
			return int64(1)
		}
		return int64(0)
	case "data":
		if rec.Data == nil {
			return []byte{}
		}
		return rec.Data
	case "most":
		if p.maxData == 0 {
			return int64(math.MaxInt32)
		}
		return int64(min(p.maxData, math.MaxInt32))
	case "now":
		return time.Now().UnixMilli()
	case "schema":
		schema, _ := splitTable(s.table)
		return schema
	case "name":
		_, name := splitTable(s.table)
		return name
	case "channel":
		return s.channel
	case "lock":
		return s.userLock(p.user)
	case "locknumber":
		return int64(binary.BigEndian.Uint64(s.userLock(p.user)))
	}
	if n, ok := strings.CutPrefix(name, "ids"); ok {
		i, _ := strconv.Atoi(n)
		return s.idArg(p.ids[min(i, len(p.ids)-1)]) // repeats the last one, so that the text stays the same
	}
	return unknownParameter(name)
}

// An unknownParameter replaces a parameter that a dialect has misspelt. It makes the statement fail.
type unknownParameter string

func (name unknownParameter) Value() (sqldriver.Value, error) {
	return nil, fmt.Errorf("the statement contains the unknown parameter :%s", string(name))
}

// counted is the parameter id. It counts how often the statement was sent. Some drivers, for example lib/pq when the server
// is restarted, return sqldriver.ErrBadConn even after they have sent a statement. database/sql then sends it again as if
// it had not been sent.
type counted struct {
	s *store
	p *params
}

func (c counted) Value() (sqldriver.Value, error) {
	c.p.sent++
	return c.s.idArg(c.p.id), nil
}

// bucket returns the hour in which a record expires, counted from 1970 and rounded up.
func bucket(expires time.Time) int64 {
	const hour = int64(time.Hour / time.Millisecond)
	return (expires.UnixMilli() + hour - 1) / hour
}
