package sqlite

import (
	_ "embed"
	"errors"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

//go:embed schema.2.sql
var schema string

//go:embed schema.1to2.sql
var upgrade string

// Dialect returns the SQL of SQLite 3.24 and later, for [sessionsql.New]. The clock of this process decides about expiry,
// because there is no server.
func Dialect() *sessionsql.Dialect {
	is := sessionsql.Standard()
	is.Insert += sessionsql.OnConflict
	is.Lock = lock
	is.RenameMark = renameMark
	is.Dying = strings.TrimSuffix(is.Dying, ` FOR UPDATE`) // SQLite has no FOR UPDATE: it locks the whole database
	return &sessionsql.Dialect{
		Name:        "sqlite",
		Schema:      schema,
		Upgrade:     upgrade,
		AliasIndex:  `SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = '{name}_alias'`,
		Quote:       '"',
		Now:         `:now`,
		HourNow:     `((:now + 3599999) / 3600000)`,
		HourExpires: `((expires_at + 3599999) / 3600000)`,
		Statements:  is,
		OneWriter:   true,
		Duplicate: func(err error) bool {
			return hasCode(err, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) || hasCode(err, sqlite3.SQLITE_CONSTRAINT_UNIQUE) ||
				hasCode(err, sqlite3.SQLITE_CONSTRAINT_NOTNULL)
		},
		Retry:   func(err error) bool { return hasCode(err, sqlite3.SQLITE_BUSY) || hasCode(err, sqlite3.SQLITE_LOCKED) },
		Lost:    func(error) bool { return false },
		NoTable: func(err error) bool { return strings.Contains(err.Error(), "no such table") },
	}
}

// lock changes nothing. A transaction whose first statement may write waits for other writers at its beginning. Otherwise
// it would wait after it has read, which is too late.
const lock = `UPDATE {table} SET version = version WHERE 0`

// renameMark stores the new row and turns the old one into a mark, in one INSERT. If the new key has a live record or a
// mark, the new version is NULL, which the column does not allow: the statement then fails and changes nothing.
const renameMark = `WITH old AS (
	SELECT ns, id FROM {table} WHERE ns = :ns AND id = :id AND version = :version AND {live}
)
INSERT INTO {table} (ns, id, {head}, gc_bucket, data)
SELECT ns, :to, 1, :user, :created, :auth, :expires, :deadline, :alias, :meta, :bucket, :data FROM old
UNION ALL SELECT ns, id, -1, NULL, 0, 0, :markexpires, 0, NULL, NULL, :markbucket, :mark FROM old WHERE 1
ON CONFLICT (ns, id) DO UPDATE SET
	version = CASE WHEN excluded.version = -1 OR {table}.version = 0 OR {table}.expires_at <= {now} THEN excluded.version END,
	user_id = excluded.user_id, created_at = excluded.created_at, auth_at = excluded.auth_at,
	expires_at = excluded.expires_at, deadline_at = excluded.deadline_at, alias = excluded.alias, meta = excluded.meta,
	gc_bucket = excluded.gc_bucket, data = excluded.data`

// hasCode reports whether err has this result code, or an extended code of it.
func hasCode(err error, code int) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code() == code || e.Code()&0xff == code)
}
