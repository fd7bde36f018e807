package pgx_test

import (
	"testing"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// alter changes what prepared statements return.
var alter = []string{
	"ALTER TABLE sessions ALTER COLUMN created_at TYPE timestamptz(6), ALTER COLUMN version TYPE numeric(20)",
	"ALTER TABLE sessions ALTER COLUMN created_at TYPE timestamptz(3), ALTER COLUMN version TYPE bigint",
}

func TestAltered(t *testing.T) {
	t.Run("sql.Open", func(t *testing.T) { engine.Altered(t, alter, sessionsql.Schema("create")) })
	t.Run("pgxpool", func(t *testing.T) { pooled().Altered(t, alter, sessionsql.Schema("create")) })
}
