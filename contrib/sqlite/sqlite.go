// Package sqlite keeps sessions in an SQLite database, a local file, under the provider name "sqlite". It needs no C
// compiler.
//
//	import _ "github.com/seed1a8f7c28/session/contrib/sqlite"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "./sessions.db"
//	session.NewManager("sqlite", cfg)
//
// The provider config is the path of the file, an SQLite URI ("file:sessions.db?…", in which modernc.org/sqlite reads
// _pragma parameters), or a JSON object:
//
//	{"dsn": "./sessions.db", "table": "sessions", "schema": "create", "maxOpenConns": 16, "maxIdleConns": 16,
//	 "connMaxLifetime": "30m", "connMaxIdleTime": "5m"}
//
// Unless the URI says otherwise, the database uses a write-ahead log, so that readers and the writer do not wait for each
// other. Each commit is on disk before the call returns. If another process is writing, a write waits for up to five
// seconds. Several processes of one machine may share the file. Folders of other machines, such as NFS, are not supported.
package sqlite

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"net/url"
	"strings"

	"modernc.org/sqlite"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

func init() { session.Register("sqlite", New()) }

// New returns a provider that keeps sessions in SQLite. Pass it to [session.New].
func New() session.Provider { return session.NewProvider(Open) }

// Open opens the file that c.Config names, and creates the file and the table if necessary. See [sessionsql.Open].
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	return sessionsql.Open(ctx, c, Dialect(), connector)
}

var (
	errDSN    = errors.New(`neither the path of a file nor an SQLite URI such as "file:sessions.db?_pragma=synchronous(normal)"`)
	errMemory = errors.New("an in-memory database is separate for each connection: use the memory provider")
)

// pragmas are set on each connection, unless the URI sets the same pragma.
var pragmas = []struct{ name, value string }{
	{"busy_timeout", "5000"},
	{"journal_mode", "wal"},
	{"synchronous", "full"},
}

func connector(dsn string) (sqldriver.Connector, error) {
	uri, err := withPragmas(dsn)
	if err != nil {
		return nil, err
	}
	c, err := sqlite.NewConnector(uri)
	if err != nil {
		return nil, errDSN
	}
	return c, nil
}

// withPragmas turns a path into a URI, and adds the pragmas.
func withPragmas(dsn string) (string, error) {
	if !strings.HasPrefix(dsn, "file:") {
		if dsn == ":memory:" {
			return "", errMemory
		}
		dsn = "file:" + (&url.URL{Path: strings.ReplaceAll(dsn, `\`, "/")}).EscapedPath()
	}
	path, query, _ := strings.Cut(dsn, "?")
	values, err := url.ParseQuery(query)
	if err != nil || path == "file:" {
		return "", errDSN
	}
	if path == "file::memory:" || values.Get("mode") == "memory" {
		return "", errMemory
	}
	for _, pragma := range pragmas {
		set := false
		for _, given := range values["_pragma"] {
			set = set || strings.HasPrefix(strings.ToLower(strings.TrimSpace(given)), pragma.name)
		}
		if !set {
			values.Add("_pragma", pragma.name+"("+pragma.value+")")
		}
	}
	return path + "?" + values.Encode(), nil
}
