// Package pgx contains only tests. They check that everything that holds for sessions in PostgreSQL also holds with pgx. An
// application that uses pgx passes its pool to package sql, with the dialect of package postgres:
//
//	db := stdlib.OpenDBFromPool(pool) // github.com/jackc/pgx/v5/stdlib; or sql.Open("pgx", dsn)
//	d := postgres.Dialect()
//	d.Watch = postgres.Watch(dsn) // so that Session.Done hears of logouts on other nodes at once
//	sessions, err := session.New(sessionsql.New(db, d), session.NewManagerConfig())
//
// The application still owns the pool and its limits.
package pgx
