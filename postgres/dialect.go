package postgres

import (
	"database/sql"
	_ "embed"
	"errors"
	"strings"
	"time"

	"github.com/lib/pq"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

//go:embed schema.2.sql
var schema string

//go:embed schema.1to2.sql
var upgrade string

// Dialect returns the SQL of PostgreSQL, from version 10 on, for [sessionsql.New]. The *sql.DB may be of lib/pq or
// of pgx. Removals are told to others with NOTIFY; to hear of them takes a connection of its own, by a DSN: see [Watch].
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
	is.Clear += ` RETURNING pg_notify(:channel, '')` // the same notice for all rows is sent once
	is.Lock = `SELECT pg_advisory_xact_lock(:locknumber)`
	return &sessionsql.Dialect{
		Name:        "postgres",
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
		Probe:       probe,
		Unprepared:  true,
		ReadOnly:    func(err error) bool { return hasCode(err, "25006") },
		OnlyReads:   onlyReads,
		Stale:       func(err error) bool { return hasCode(err, "0A000") }, // cached plan must not change result type
		NoTable:     func(err error) bool { return hasCode(err, "42P01") },
		Beego:       beego(),
	}
}

// upgradeTurn is a lock that ends with the connection. Who waits for a lock has a snapshot, for whose end the making of an
// index waits: so nobody waits.
const upgradeTurn = `SELECT CAST(pg_try_advisory_lock(hashtext('session'), hashtext('{name}')) AS integer)`

// onlyReads ends the connection of a standby, and of a server whose transactions only read. Closing it would not do with pgxpool
// below database/sql, which takes it back.
const onlyReads = `SELECT pg_terminate_backend(pg_backend_pid()) WHERE current_setting('transaction_read_only') = 'on'`

// tell ends a statement that removes a record by telling the others, when it is committed.
const tell = ` RETURNING pg_notify(:channel, encode(id, 'hex'))`

// rename removes the old row and stores the new one. If there is a live record under the new key its version
// becomes NULL, which the column does not allow: the statement fails, and with it the removal.
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

// turned makes the old row of a rename a mark instead of removing it.
const turned = `UPDATE {table} SET version = -1, user_id = NULL, created_at = NULL, auth_at = NULL, deadline_at = NULL,
		alias = NULL, meta = NULL, expires_at = :markexpires, gc_bucket = :markbucket, data = :mark`

// skipLocked makes a removal leave alone the rows that somebody else is working on: another sweep, usually.
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

// hasCode reports whether err has an SQLSTATE that begins so. The errors of lib/pq and pgx have one each.
func hasCode(err error, code string) bool {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return strings.HasPrefix(string(e.Code), code)
	}
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return strings.HasPrefix(e.SQLState(), code)
	}
	return false
}
