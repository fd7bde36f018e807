package mysql

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

//go:embed schema.2.sql
var schema string

//go:embed schema.1to2.sql
var upgrade string

// Dialect returns the SQL of MySQL, from version 5.7 on, and MariaDB, from 10.2 on, for [sessionsql.New].
func Dialect() *sessionsql.Dialect {
	is := sessionsql.Standard()
	is.Lock = lock
	is.Replace = strings.Replace(is.Replace, "created_at = :created", "created_at = "+anotherCreated, 1)
	return &sessionsql.Dialect{
		Name:        "mysql",
		Schema:      schema,
		Upgrade:     upgrade,
		AliasIndex:  aliasIndex,
		Quote:       '`',
		Now:         now,
		HourNow:     `(` + now + ` + 3599999) DIV 3600000`,
		HourExpires: `(expires_at + 3599999) DIV 3600000`,
		Text:        func(s string) any { return []byte(s) }, // of no character set
		Statements:  is,
		Isolation:   sql.LevelReadCommitted,
		Duplicate:   func(err error) bool { return hasNumber(err, 1062) },
		Retry:       func(err error) bool { return hasNumber(err, 1213, 1205, 3101) },
		Lost:        func(err error) bool { return errors.Is(err, mysql.ErrInvalidConn) || hasNumber(err, 1053, 1927, 3169) },
		Probe:       probe,
		ReadOnly:    func(err error) bool { return hasNumber(err, 1290, 1792, 1836, 1874) },
		OnlyReads:   onlyReads,
		NoTable:     func(err error) bool { return hasNumber(err, 1146) },
		Beego:       beego(),
	}
}

var errAutocommit = errors.New("the connections have autocommit off, so that nobody else would see what is saved: " +
	"add autocommit=1 to the data source name of the *sql.DB, or switch it on at the server")

// probe looks at one connection, as which the others are. Those of the provider's own have autocommit on.
func probe(ctx context.Context, db *sql.DB, _ bool) (pooled bool, err error) {
	on := false
	if err := db.QueryRowContext(ctx, `SELECT @@autocommit`).Scan(&on); err != nil {
		return false, err
	}
	if !on {
		return false, errAutocommit
	}
	return false, nil
}

// onlyReads goes by the names of variables, of which each server has some: read_only is that of a replica, innodb_read_only of
// one in Aurora, the others of the connection's transactions.
const onlyReads = `SHOW SESSION VARIABLES WHERE Variable_name IN ` +
	`('read_only', 'innodb_read_only', 'transaction_read_only', 'tx_read_only') AND Value NOT IN ('OFF', '0')`

// aliasIndex looks for the index's first column.
const aliasIndex = `SELECT count(*) FROM information_schema.statistics ` +
	`WHERE table_schema = COALESCE(NULLIF(:schema, ''), DATABASE()) AND table_name = :name ` +
	`AND index_name = '{name}_alias' AND seq_in_index = 1`

// now is when the statement began. It does not go through the time zone of the session, in which an hour a year comes
// twice.
const now = `(UNIX_TIMESTAMP() * 1000 + MICROSECOND(UTC_TIMESTAMP(3)) DIV 1000)`

// anotherCreated has a reservation that is made again change its row, also where its time stays the same: rows that stay as
// they are count as not found. Nobody reads the column of a reservation.
const anotherCreated = `CASE WHEN :version = 0 THEN created_at + 1 ELSE :created END`

// lock makes a row, or finds it, that is locked until the transaction ends: GET_LOCK would belong to the
// connection, which may be lost or given back. Nothing else looks at the row, and a sweep removes it.
const lock = `INSERT INTO {table} (ns, id, {head}, gc_bucket, data)
	VALUES (:ns, :lock, 0, NULL, 0, 0, :expires, 0, NULL, NULL, :bucket, '')
	ON DUPLICATE KEY UPDATE expires_at = GREATEST(expires_at, :expires)`

// hasNumber reports whether err is one of the server's errors with these numbers.
func hasNumber(err error, numbers ...uint16) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && slices.Contains(numbers, e.Number)
}
