package mysql

import (
	_ "embed"

	"github.com/seed1a8f7c28/session"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

//go:embed schema.beego.sql
var beegoSchema string

// TableName is the default table of managers in beego mode that are made after it was set. An application that set it in
// beego's package sets it here before NewManager. Managers outside beego mode use the table sessions.
//
// Deprecated: set "table" in the provider config.
var TableName = "session"

// SessionStore is another name of [session.Session], the type of every provider's Store. It keeps an application's type
// assertions on beego's stores working.
//
// Deprecated: use [session.Session].
type SessionStore = session.Session

// beego is the table of beego's MySQL provider. session_expiry is the time of the last save, truncated to seconds. beego's
// GC keeps a row until the second after its lifetime has passed, and so does this package.
func beego() *sessionsql.Beego {
	return &sessionsql.Beego{
		Table:  TableName,
		Schema: beegoSchema,
		Version: `(CAST(CONV(LEFT(SHA2(COALESCE(session_data, ''), 256), 15), 16, 10) AS UNSIGNED)` +
			` + 1152921504606846976)`,
		Expires: `(session_expiry * 1000 + 1000 + {lifetime})`,
		Saved:   `((:expires - {lifetime} - 1) DIV 1000)`,
		MaxData: `SELECT character_octet_length FROM information_schema.columns ` +
			`WHERE table_schema = COALESCE(NULLIF(:schema, ''), DATABASE()) AND table_name = :name ` +
			`AND column_name = 'session_data'`,
	}
}
