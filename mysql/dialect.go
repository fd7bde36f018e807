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

// Dialect returns the SQL of MySQL 5.7 and later and of MariaDB 10.2 and later, for [sessionsql.New].
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
		Text:        func(s string) any { return []byte(s) }, // without a character set
		Statements:  is,
		Isolation:   sql.LevelReadCommitted,
		Duplicate:   func(err error) bool { return hasNumber(err, 1062) },
		Retry:       func(err error) bool { return hasNumber(err, 1213, 1205, 3101) },
		Lost:        func(err error) bool { return errors.Is(err, mysql.ErrInvalidConn) || ended(err) },
		Ended:       ended,
		Probe:       probe,
		ReadOnly:    func(err error) bool { return hasNumber(err, 1290, 1792, 1836, 1874) },
		OnlyReads:   onlyReads,
		NoTable:     func(err error) bool { return hasNumber(err, 1146) },
		Beego:       beego(),
	}
}

var errAutocommit = errors.New("the connections have autocommit off, so no other connection would see what is saved: " +
	"add autocommit=1 to the data source name of the *sql.DB, or switch it on at the server")

// probe checks one connection, because the others have the same settings. The provider's own connections have autocommit
// on.
func probe(ctx context.Context, db sessionsql.Pool, _ bool) (pooled bool, err error) {
	on := false
	if err := db.QueryRow(ctx, `SELECT @@autocommit`, nil, []any{&on}); err != nil {
		return false, err
	}
	if !on {
		return false, errAutocommit
	}
	return false, nil
}

// onlyReads checks variables by name, because each server has only some of them: read_only belongs to a replica,
// innodb_read_only to a reader in Aurora, and the others to the connection's transactions.
const onlyReads = `SHOW SESSION VARIABLES WHERE Variable_name IN ` +
	`('read_only', 'innodb_read_only', 'transaction_read_only', 'tx_read_only') AND Value NOT IN ('OFF', '0')`

// aliasIndex looks for the first column of the index.
const aliasIndex = `SELECT count(*) FROM information_schema.statistics ` +
	`WHERE table_schema = COALESCE(NULLIF(:schema, ''), DATABASE()) AND table_name = :name ` +
	`AND index_name = '{name}_alias' AND seq_in_index = 1`

// now is the time when the statement began. It does not use the session's time zone, in which one hour a year occurs twice.
const now = `(UNIX_TIMESTAMP() * 1000 + MICROSECOND(UTC_TIMESTAMP(3)) DIV 1000)`

// anotherCreated makes repeating a reservation change its row, even if its time stays the same, because MySQL counts rows
// that do not change as not found. Nobody reads this column of a reservation.
const anotherCreated = `CASE WHEN :version = 0 THEN created_at + 1 ELSE :created END`

// lock creates or finds a row, which stays locked until the transaction ends. GET_LOCK would belong to the connection,
// which may be lost or returned to the pool. Nothing else reads the row, and a sweep removes it.
const lock = `INSERT INTO {table} (ns, id, {head}, gc_bucket, data)
	VALUES (:ns, :lock, 0, NULL, 0, 0, :expires, 0, NULL, NULL, :bucket, '')
	ON DUPLICATE KEY UPDATE expires_at = GREATEST(expires_at, :expires)`

func ended(err error) bool { return hasNumber(err, 1053, 1927, 3169) }

// hasNumber reports whether err is a server error with one of these numbers.
func hasNumber(err error, numbers ...uint16) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && slices.Contains(numbers, e.Number)
}
