// Package pgx keeps sessions in PostgreSQL over pgx, without database/sql. It registers the provider "pgx":
//
//	import _ "github.com/seed1a8f7c28/session/contrib/pgx"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "postgres://app:password@localhost/app?sslmode=verify-full"
//	session.NewManager("pgx", cfg)
//
// The provider config is a DSN of pgx, as a URL or as key=value words, or a JSON object:
//
//	{"dsn": "…", "table": "sessions", "schema": "create", "maxOpenConns": 16,
//	 "connMaxLifetime": "30m", "connMaxIdleTime": "5m", "prepare": true}
//
// Parameters of pgxpool in the DSN, such as pool_max_conns, take precedence over the keys of the object. Behind PgBouncer in
// transaction mode, and similar poolers, set prepare to false: it means default_query_exec_mode=exec.
//
// The table is that of package postgres. Both can use it at the same time. For an application's own pool see [New].
package pgx
