package pgsql

import (
	_ "embed"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

//go:embed schema.beego.sql
var beegoSchema string

// beego is the table of beego's PostgreSQL provider. session_expiry has no time zone: beego writes the wall clock of its
// process, and its GC reads it in the time zone of its connection. These two time zones and that of this connection must be
// the same. sha256 exists since PostgreSQL 11.
func beego() *sessionsql.Beego {
	return &sessionsql.Beego{
		Schema: beegoSchema,
		Version: `(CAST(CAST('x' || left(encode(sha256(COALESCE(session_data, '')), 'hex'), 15) AS bit(60)) AS bigint)` +
			` + 1152921504606846976)`,
		Expires: `(CAST(session_expiry AS timestamptz) + {lifetime} * interval '1 millisecond')`,
		Saved:   `CAST(CAST(:expires AS timestamptz) - {lifetime} * interval '1 millisecond' AS timestamp)`,
	}
}
