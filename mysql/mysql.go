// Package mysql keeps sessions in MySQL or MariaDB, under the provider name "mysql":
//
//	import _ "github.com/seed1a8f7c28/session/mysql"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "app:password@tcp(localhost:3306)/app?tls=true"
//	session.NewManager("mysql", cfg)
//
// The provider config is a DSN of github.com/go-sql-driver/mysql, as in beego, or a JSON object:
//
//	{"dsn": "…", "table": "sessions", "schema": "create", "maxOpenConns": 16, "maxIdleConns": 16,
//	 "connMaxLifetime": "30m", "connMaxIdleTime": "5m"}
//
// schema says what to do with the table at the start: "create" creates it if it is missing and adds what an earlier
// version's table lacks, "check" only checks that its columns exist, and "off" does neither.
package mysql

import (
	"context"
	"errors"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

func init() { session.Register(session.ProviderMysql, New()) }

// New returns a provider that keeps sessions in MySQL or MariaDB. Pass it to [session.New].
func New() session.Provider { return session.NewProvider(Open) }

// Open connects to the server that c.Config names, and creates the table if necessary. See [sessionsql.Open].
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	return sessionsql.Open(ctx, c, Dialect(), newConnector)
}

// errDSN replaces the driver's error, which may contain the password.
var errDSN = errors.New("not a data source name of MySQL: want user:password@tcp(host:3306)/dbname?param=value")
