package sql

import (
	sqldriver "database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A statement has a text that stays the same, so that the pool or the driver can keep it prepared.
type statement struct {
	names []string // the parameters in order
	first string   // the text at first
	now   atomic.Pointer[string]
	stale atomic.Int64 // how often a change of the table has made it stale
}

func (st *statement) text() string { return *st.now.Load() }

// newStatement makes a statement from a template.
func newStatement(d *Dialect, table, template string) *statement {
	st := new(statement)
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
	st.first = text.String()
	st.now.Store(&st.first)
	return st
}

// failed changes the text if err says that the statement prepared as text is stale. Otherwise each connection would keep using what
// it has prepared.
func (st *statement) failed(d *Dialect, text string, err error) {
	now := st.now.Load()
	if !d.isStale(err) || *now != text {
		return
	}
	next := st.first + " -- " + strconv.FormatInt(st.stale.Add(1), 10)
	st.now.CompareAndSwap(now, &next)
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

	creates bool // whether the statement stores a new record; it is then not sent again

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
		if s.resends {
			return counted{s, p}
		}
		p.sent++
		return s.idArg(p.id)
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
// it had not been sent. Value does not let it do that with a new record.
type counted struct {
	s *store
	p *params
}

func (c counted) Value() (sqldriver.Value, error) {
	if c.p.creates && c.p.sent > 0 {
		return nil, errNoAnswer
	}
	c.p.sent++
	return c.s.idArg(c.p.id), nil
}

// bucket returns the hour in which a record expires, counted from 1970 and rounded up.
func bucket(expires time.Time) int64 {
	const hour = int64(time.Hour / time.Millisecond)
	return (expires.UnixMilli() + hour - 1) / hour
}
