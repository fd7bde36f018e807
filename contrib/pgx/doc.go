// Package pgx has nothing but tests: all that holds for sessions in PostgreSQL holds over pgx too. An application that
// uses pgx gives its pool to package sql, with the dialect of package postgres:
//
//	db := stdlib.OpenDBFromPool(pool) // github.com/jackc/pgx/v5/stdlib; or sql.Open("pgx", dsn)
//	d := postgres.Dialect()
//	d.Watch = postgres.Watch(dsn) // so that Session.Done hears of logouts on other nodes at once
//	sessions, err := session.New(sessionsql.New(db, d), session.NewManagerConfig())
//
// The pool stays the application's, and so do its limits.
package pgx
