package mysql

import (
	_ "embed"

	"github.com/seed1a8f7c28/session"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

//go:embed schema.beego.sql
var beegoSchema string

// TableName is the table of managers in beego mode that are made from then on, where the provider config names none. An
// application that had it in beego's package sets it before NewManager. Other managers have their own table, sessions.
//
// Deprecated: set "table" in the provider config.
var TableName = "session"

// SessionStore is another name of [session.Session], which the Stores of all providers are, so that an application's type
// assertions on beego's stores hold.
//
// Deprecated: use [session.Session].
type SessionStore = session.Session

// beego is the table of beego's MySQL provider. session_expiry has the last save cut to seconds. beego's GC lets a row
// be until the second after its lifetime has begun, and so does this.
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
