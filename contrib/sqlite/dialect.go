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

// Dialect returns the SQL of SQLite, from version 3.24 on, for [sessionsql.New]. Expiry goes by the clock of the
// process, since there is no other.
func Dialect() *sessionsql.Dialect {
	is := sessionsql.Standard()
	is.Insert += sessionsql.OnConflict
	is.Lock = lock
	is.RenameMark = renameMark
	is.Dying = strings.TrimSuffix(is.Dying, ` FOR UPDATE`) // it locks the database
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

// lock changes nothing. A transaction whose first statement may write waits for the other writers before it, and
// not, when it is too late, after having read.
const lock = `UPDATE {table} SET version = version WHERE 0`

// renameMark stores a new row and turns the old one into a mark, both by one INSERT. If there is a live record or a mark under
// the new key its version becomes NULL, which the column does not allow: the statement fails, and nothing has changed.
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

// hasCode reports whether err has a result code, or an extended one of it.
func hasCode(err error, code int) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code() == code || e.Code()&0xff == code)
}
