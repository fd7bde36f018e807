// Package pgsql is the SQL of sessions in PostgreSQL, without a driver. Providers use it, and applications with their own *sql.DB
// that do not want to link lib/pq, as package postgres does.
package pgsql

import (
	"database/sql"
	_ "embed"
	"errors"
	"strings"
	"time"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

//go:embed schema.2.sql
var schema string

//go:embed schema.1to2.sql
var upgrade string

// Dialect returns the SQL of PostgreSQL 10 and later, for [sessionsql.New]. The *sql.DB may use lib/pq or pgx. Statements
// announce removals with NOTIFY. Receiving the notices needs a separate connection, and [Hear].
func Dialect() *sessionsql.Dialect {
	is := sessionsql.Standard()
	is.Insert += sessionsql.OnConflict
	is.Rename = rename
	is.RenameMark = strings.Replace(rename, `DELETE FROM {table}`, turned, 1)
	is.Expired = skipLocked(is.Expired)
	is.Lapsed = skipLocked(is.Lapsed)
	is.Dying += ` SKIP LOCKED`
	is.Delete, is.End, is.Evict = is.Delete+tell, is.End+tell, is.Evict+tell
	is.Mark += tell
	is.Clear += ` RETURNING pg_notify(:channel, '')` // PostgreSQL sends the same notice for all rows once
	is.Lock = `SELECT pg_advisory_xact_lock(:locknumber)`
	return &sessionsql.Dialect{
		Name:        "postgres",
		Package:     "sql/pgsql",
		Schema:      schema,
		Upgrade:     upgrade,
		UpgradeTurn: upgradeTurn,
		AliasIndex:  `SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('{index}') AND indisvalid`,
		Quote:       '"',
		Numbered:    true,
		Now:         `statement_timestamp()`,
		HourNow:     `CAST(ceil(extract(epoch FROM statement_timestamp()) / 3600) AS integer)`,
		HourExpires: `CAST(ceil(extract(epoch FROM expires_at) / 3600) AS integer)`,
		Time:        timestamp,
		Text:        func(s string) any { return []byte(s) },
		Statements:  is,
		Returning:   true,
		Isolation:   sql.LevelReadCommitted,
		Duplicate:   func(err error) bool { return hasCode(err, "23502") || hasCode(err, "23505") },
		Retry:       func(err error) bool { return hasCode(err, "40001") || hasCode(err, "40P01") || hasCode(err, "55P03") },
		Lost:        func(err error) bool { return hasCode(err, "57P0") || hasCode(err, "08") },
		Ended:       func(err error) bool { return hasCode(err, "57P0") },
		Probe:       probe,
		Keeps:       keeps,
		Unprepared:  true,
		ReadOnly:    func(err error) bool { return hasCode(err, "25006") },
		OnlyReads:   onlyReads,
		Stale:       func(err error) bool { return hasCode(err, "0A000") }, // cached plan must not change result type
		NoTable:     func(err error) bool { return hasCode(err, "42P01") },
		Beego:       beego(),
	}
}

// upgradeTurn takes a lock that ends with the connection. It does not wait: a session that waited for the lock would hold a
// snapshot, and creating an index waits for the end of older snapshots.
const upgradeTurn = `SELECT CAST(pg_try_advisory_lock(hashtext('session'), hashtext('{name}')) AS integer)`

// onlyReads ends the connection to a standby, or to a server whose transactions are read-only. Closing it would not be
// sufficient with pgxpool below database/sql, because the pool takes it back.
const onlyReads = `SELECT pg_terminate_backend(pg_backend_pid()) WHERE current_setting('transaction_read_only') = 'on'`

// tell makes a statement that removes a record announce it, when the statement is committed.
const tell = ` RETURNING pg_notify(:channel, encode(id, 'hex'))`

// rename removes the old row and stores the new one. If the new key has a live record, the new version is NULL, which the
// column does not allow: the statement then fails and removes nothing.
const rename = `WITH old AS (
	DELETE FROM {table} WHERE ns = :ns AND id = :id AND version = :version AND {live}` + tell + `
), done AS (
	INSERT INTO {table} (ns, id, {head}, gc_bucket, data)
	SELECT :ns, :to, 1, :user, :created, :auth, :expires, :deadline, :alias, :meta, :bucket, :data FROM old
	ON CONFLICT (ns, id) DO UPDATE SET
		version = CASE WHEN {table}.version = 0 OR {table}.expires_at <= {now} THEN 1 END,
		user_id = excluded.user_id, created_at = excluded.created_at, auth_at = excluded.auth_at,
		expires_at = excluded.expires_at, deadline_at = excluded.deadline_at, alias = excluded.alias, meta = excluded.meta,
		gc_bucket = excluded.gc_bucket, data = excluded.data
	RETURNING 1
)
SELECT 0, {head}, {data} FROM {table} WHERE ns = :ns AND id = :id AND {live} AND NOT EXISTS (SELECT 1 FROM old)
UNION ALL SELECT 1, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM done`

// turned turns the old row of a rename into a mark instead of removing it.
const turned = `UPDATE {table} SET version = -1, user_id = NULL, created_at = NULL, auth_at = NULL, deadline_at = NULL,
		alias = NULL, meta = NULL, expires_at = :markexpires, gc_bucket = :markbucket, data = :mark`

// skipLocked makes a removal skip the rows that another transaction has locked, usually another sweep.
func skipLocked(remove string) string {
	_, where, _ := strings.Cut(remove, " WHERE ")
	return `DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE ` + where + ` FOR UPDATE SKIP LOCKED))`
}

func timestamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

// hasCode reports whether err has an SQLSTATE that begins with code. The errors of lib/pq and of pgx both have one.
func hasCode(err error, code string) bool {
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return strings.HasPrefix(e.SQLState(), code)
	}
	return false
}
