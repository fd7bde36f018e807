// Package postgres keeps sessions in PostgreSQL, under the provider names "postgresql" and "postgres":
//
//	import _ "github.com/seed1a8f7c28/session/postgres"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "postgres://app:password@localhost/app?sslmode=verify-full"
//	session.NewManager("postgresql", cfg)
//
// The provider config is a DSN of lib/pq, as a URL or as key=value words, as in beego, or a JSON object:
//
//	{"dsn": "…", "table": "sessions", "schema": "create", "maxOpenConns": 16, "maxIdleConns": 16,
//	 "connMaxLifetime": "30m", "connMaxIdleTime": "5m", "prepare": true}
//
// schema says what to do with the table at the start: "create" creates it if it is missing and adds what an earlier
// version's table lacks, "check" only checks that its columns exist, and "off" does neither. Set prepare to false behind
// PgBouncer in transaction mode and similar poolers.
package postgres

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"regexp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

func init() {
	session.Register(session.ProviderPostgresql, New())
	session.Register("postgres", New())
}

// New returns a provider that keeps sessions in PostgreSQL. Pass it to [session.New].
func New() session.Provider { return session.NewProvider(Open) }

// Open connects to the server that c.Config names, and creates the table if necessary. See [sessionsql.Open].
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	d := Dialect()
	return sessionsql.Open(ctx, c, d, func(dsn string) (sqldriver.Connector, error) {
		d.Watch = Watch(dsn)
		return newConnector(dsn)
	})
}

// dsnError replaces lib/pq's error for a DSN, which may contain the password. It keeps the name of a parameter, or of an
// environment variable that lib/pq reads, and the list of its values.
func dsnError(err error) error {
	found := wrongValue.FindStringSubmatch(err.Error())
	if found == nil {
		return errDSN
	}
	name, values := found[1]+found[2], ""
	if found[3] != "" {
		values = ": want " + found[3]
	}
	return fmt.Errorf("the parameter %s has a wrong value%s", name, values)
}

// wrongValue matches an error of lib/pq. The value comes first and is quoted, so no part of it is at the end.
var wrongValue = regexp.MustCompile(`(?s)^pq: wrong value for (?:"(\w+)"|(\$\w+)): .*?(?:" is not supported; supported values are ([^"]*))?$`)

// errDSN is for a DSN of which no parameter is known to be wrong.
var errDSN = errors.New("not a data source name of PostgreSQL: " +
	`want "postgres://user:password@host:5432/dbname?sslmode=verify-full" or "host=… user=… dbname=…"`)
