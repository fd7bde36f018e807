package sql

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A Beego is the SQL that a database needs for the table of beego's provider: session_key, session_data and session_expiry.
// session_expiry is the time of the last save: the session's idle deadline minus maxLifetime.
//
// The table has no version. The backend uses the SHA-256 of the values instead, so that a save can compare what it has read
// with what is stored. It does not notice a change back to the same values, which does no harm. The table also has no place
// for the user, the login time, the start time and the absolute deadline: they are lost.
type Beego struct {
	// Table is the default name of the table. "" means session.
	Table string

	// Schema creates the table. See [Dialect.Schema].
	Schema string

	// Version is an SQL expression for the version of session_data: the first 60 bits of its SHA-256 as a number, with one
	// more bit set. NULL counts as empty.
	Version string

	// Expires is an SQL expression, of the type of Now, for the time when a row expires. Saved is one for the
	// session_expiry of a row that expires at :expires, or later but never earlier. {lifetime} is maxLifetime in
	// milliseconds.
	Expires, Saved string

	// MaxData is a query for the maximum length of session_data in bytes. Its parameters are :schema, which may be empty,
	// and :name of the table. "" means that there is no limit.
	MaxData string
}

// maxBeegoKey is the maximum length of session_key, in characters.
const maxBeegoKey = 64

const (
	ownTable   = "sessions"
	beegoTable = "session"
)

// tableName returns the name of the table if the provider config contains none.
func (d *Dialect) tableName(beego bool) string {
	switch {
	case !beego:
		return ownTable
	case d.Beego == nil: // open returns an error for this
		return beegoTable
	}
	return cmp.Or(d.Beego.Table, beegoTable)
}

var beegoColumns = []string{"session_key", "session_data", "session_expiry"}

// beegoVersion returns the version of values, as Beego.Version computes it.
func beegoVersion(values []byte) uint64 {
	sum := sha256.Sum256(values)
	return binary.BigEndian.Uint64(sum[:])>>4 | 1<<60
}

// ofBeego returns the dialect for beego's table.
func (d *Dialect) ofBeego(lifetime time.Duration) *Dialect {
	b, own := d.Beego, *d
	expires := strings.ReplaceAll(b.Expires, "{lifetime}", strconv.FormatInt(lifetime.Milliseconds(), 10))
	saved := strings.ReplaceAll(b.Saved, "{lifetime}", strconv.FormatInt(lifetime.Milliseconds(), 10))
	const (
		one    = ` WHERE session_key = :id`
		stored = `session_data = :data, session_expiry = `
	)
	page := strconv.Itoa(pageSize)
	own.Schema = b.Schema
	own.head = b.Version + `, NULL, 0, 0, ` + expires + `, 0, NULL, NULL`
	own.data = `CASE WHEN length(session_data) <= :most THEN NULLIF(session_data, '') END, length(session_data)`
	own.live = expires + ` > {now}`
	own.Statements = Statements{
		Insert:  `INSERT INTO {table} (session_key, session_data, session_expiry) VALUES (:id, :data, ` + saved + `)`,
		Replace: `UPDATE {table} SET ` + stored + saved + one + ` AND NOT {live}`,
		Load:    `SELECT {head}, {data} FROM {table}` + one + ` AND {live}`,
		Save: `UPDATE {table} SET ` + stored + `CASE WHEN :shorten = 1 OR ` + expires + ` < :expires THEN ` + saved +
			` ELSE session_expiry END` + one + ` AND ` + b.Version + ` = :version AND {live}`,
		Touch:  `UPDATE {table} SET session_expiry = ` + saved + one + ` AND {live} AND ` + expires + ` < :expires`,
		Delete: `DELETE FROM {table}` + one,
		End:    `DELETE FROM {table}` + one + ` AND ` + b.Version + ` = :version AND {live}`,
		Rename: `UPDATE {table} SET session_key = :to, ` + stored + saved + one +
			` AND ` + b.Version + ` = :version AND {live}`,
		Vacate: `DELETE FROM {table} WHERE session_key = :to AND NOT {live}`,

		Count: `SELECT count(*) FROM {table} WHERE {live}`,
		List:  `SELECT session_key, {head} FROM {table} WHERE session_key > :id AND {live} ORDER BY session_key LIMIT ` + page,
		Page:  `SELECT session_key FROM {table} WHERE session_key > :id ORDER BY session_key LIMIT ` + page,
		Clear: `DELETE FROM {table} WHERE session_key > :id AND session_key <= :to`,

		Due:     `SELECT session_key, 1 FROM {table} WHERE NOT {live} LIMIT ` + strconv.Itoa(dueSize),
		Expired: `DELETE FROM {table} WHERE session_key IN ({ids}) AND NOT {live}`,
	}
	return &own
}

// A beego is the [driver.Backend] for beego's table. It is a store with other statements, without the features that need
// columns beego does not have.
type beego struct{ s *store }

var (
	_ driver.Renamer = (*beego)(nil)
	_ driver.Counter = (*beego)(nil)
	_ driver.Lister  = (*beego)(nil)
	_ driver.Sweeper = (*beego)(nil)
	_ driver.Clearer = (*beego)(nil)
	_ driver.Pinger  = (*beego)(nil)
	_ io.Closer      = (*beego)(nil)

	_ driver.KeyLimiter = (*beego)(nil)
)

var errBeegoKey = fmt.Errorf("beego's column session_key takes %d characters, and a sid has more: "+
	"shorten sessionIDLength or sessionIDPrefix", maxBeegoKey)

// check returns an error for what the table cannot store.
func (b *beego) check(key string, rec *driver.Record) error {
	switch {
	case !validBeego(key):
		return fmt.Errorf("session/%s: %w", b.s.dialect.Name, errBeegoKey)
	case len(rec.Data) > b.s.maxData:
		return fmt.Errorf("%w: more than %d bytes, the limit of beego's column session_data",
			driver.ErrTooLarge, b.s.maxData)
	}
	return nil
}

// validBeego reports whether key can be a sid. The manager has checked its shape. Databases do not accept zero bytes, and
// they cut off trailing spaces.
func validBeego(key string) bool {
	return key != "" && len(key) <= maxBeegoKey && !strings.ContainsAny(key, " \x00\t\r\n")
}

// Create implements [driver.Backend].
func (b *beego) Create(ctx context.Context, key string, rec *driver.Record) error {
	if err := b.check(key, rec); err != nil {
		return err
	}
	return b.s.Create(ctx, key, rec)
}

// Load implements [driver.Backend].
func (b *beego) Load(ctx context.Context, key string, rec *driver.Record) error {
	if !validBeego(key) {
		return driver.ErrNotFound
	}
	return b.s.Load(ctx, key, rec)
}

// Save implements [driver.Backend].
func (b *beego) Save(ctx context.Context, key string, rec *driver.Record) error {
	if !validBeego(key) {
		return driver.ErrNotFound
	}
	if err := b.check(key, rec); err != nil {
		return err
	}
	return b.s.Save(ctx, key, rec)
}

// Touch implements [driver.Backend].
func (b *beego) Touch(ctx context.Context, key string, expires time.Time) error {
	if !validBeego(key) {
		return driver.ErrNotFound
	}
	return b.s.Touch(ctx, key, expires)
}

// Delete implements [driver.Backend].
func (b *beego) Delete(ctx context.Context, key string, version uint64) error {
	switch {
	case validBeego(key):
		return b.s.Delete(ctx, key, version)
	case version == 0:
		return nil
	}
	return driver.ErrNotFound
}

// Rename implements [driver.Renamer]. It does what beego's SessionRegenerate does, if nothing was changed meanwhile. It
// leaves no mark, because beego would take it for a session.
func (b *beego) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, _ driver.Mark,
) error {
	if !validBeego(oldKey) {
		return driver.ErrNotFound
	}
	if err := b.check(newKey, rec); err != nil {
		return err
	}
	return b.s.Rename(ctx, oldKey, oldVersion, newKey, rec, driver.Mark{})
}

// Count implements [driver.Counter]. It reads the whole table, as beego does.
func (b *beego) Count(ctx context.Context) (int, error) { return b.s.Count(ctx) }

// List implements [driver.Lister].
func (b *beego) List(ctx context.Context) iter.Seq2[driver.Entry, error] { return b.s.List(ctx) }

// Sweep implements [driver.Sweeper]. It reads the whole table, as beego does, but removes the rows by their keys.
func (b *beego) Sweep(ctx context.Context, expired func(key, user string)) (int, error) {
	return b.s.Sweep(ctx, expired)
}

// removeEach removes the expired rows of p.ids one by one. An engine without transactions, such as MyISAM, locks no rows,
// so only the number of removed rows tells which node removed a row.
func (s *store) removeEach(ctx context.Context, p *params, expired func(key, user string)) (removed int, err error) {
	for _, id := range p.ids {
		n, err := s.execSafe(ctx, s.expired, &params{ids: [][]byte{id}})
		if err != nil {
			return removed, err
		}
		if n > 0 {
			removed++
			expired(s.key(id), "")
		}
	}
	return removed, nil
}

// Clear implements [driver.Clearer].
func (b *beego) Clear(ctx context.Context) error { return b.s.Clear(ctx) }

// MaxKey implements [driver.KeyLimiter].
func (b *beego) MaxKey() int { return maxBeegoKey }

// Ping implements [driver.Pinger].
func (b *beego) Ping(ctx context.Context) error { return b.s.Ping(ctx) }

// Close implements [io.Closer].
func (b *beego) Close() error { return b.s.Close() }

// measure reads the size limit of beego's table.
func (s *store) measure(ctx context.Context) error {
	if s.dialect.Beego.MaxData == "" {
		return nil
	}
	st := newStatement(s.dialect, s.table, s.dialect.Beego.MaxData)
	return s.query(ctx, nil, st, new(params), func(rows Row) error {
		var most *int64
		if err := rows.Scan(&most); err != nil {
			return err
		}
		if most != nil {
			s.maxData = int(min(int64(s.maxData), *most))
		}
		return nil
	})
}

var errNoBeego = &driver.ConfigError{Field: "beego", Err: fmt.Errorf(
	"beego has no provider for this database: %w", errors.ErrUnsupported)}
