package postgres

import (
	sessionsql "github.com/seed1a8f7c28/session/sql"
	"github.com/seed1a8f7c28/session/sql/pgsql"
)

// Dialect returns the SQL of PostgreSQL 10 and later, for [sessionsql.New]. The *sql.DB may use lib/pq or pgx. Statements
// announce removals with NOTIFY. Receiving the notices needs a separate connection, which a DSN opens: see [Watch].
func Dialect() *sessionsql.Dialect { return pgsql.Dialect() }
