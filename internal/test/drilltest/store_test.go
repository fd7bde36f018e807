package drilltest

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A store is a kind of store, and what the drill can expect of it.
type store struct {
	name     string
	provider string
	imports  string // its package
	module   string // the folder of the module that has it
	config   func(t *testing.T) any

	sealed bool // each client has its session: nothing is merged, and a copy of a cookie outlives a logout
	users  bool // lists and limits the sessions of a user
}

// rootImports are the packages that one program has, for all stores of the root module.
var rootImports = []string{"cookie", "file", "memcache", "mysql", "postgres", "redis"}

var (
	inFiles = store{
		name: "file", provider: "file", imports: "file", users: true,
		config: func(t *testing.T) any { return map[string]string{"path": servertest.Folder(t)} },
	}
	inRedis = store{
		name: "redis", provider: "redis", imports: "redis", users: true,
		config: func(t *testing.T) any { return map[string]string{"addr": servertest.Redis(t).Addr} },
	}
	inPostgres = store{
		name: "PostgreSQL", provider: "postgresql", imports: "postgres", users: true,
		config: func(t *testing.T) any {
			s := servertest.Postgres(t)
			return map[string]string{"dsn": s.DSN(s.NewDatabase(t))}
		},
	}
	inMariaDB = store{
		name: "MariaDB", provider: "mysql", imports: "mysql", users: true,
		config: func(t *testing.T) any {
			s := servertest.MariaDB(t)
			return map[string]string{"dsn": s.DSN(s.NewDatabase(t))}
		},
	}
	inSQLite = store{
		name: "SQLite", provider: "sqlite", imports: "contrib/sqlite", module: "contrib/sqlite", users: true,
		config: func(t *testing.T) any {
			return map[string]string{"dsn": filepath.Join(servertest.Folder(t), "sessions.db")}
		},
	}
	inMemcache = store{
		name: "memcache", provider: "memcache", imports: "memcache",
		config: func(t *testing.T) any { return servertest.Memcached(t).Addr },
	}
	inCookies = store{
		name: "cookie", provider: "cookie", imports: "cookie", sealed: true,
		config: func(*testing.T) any { return map[string]any{"keys": []string{aKey}, "maxCookies": 9} },
	}
)

const aKey = "a key for the drill, 32 bytes long"

// A variant is a store with settings that say how things are stored in it.
type variant struct {
	store
	codec     string
	encrypted bool
}

func (v variant) String() string {
	if v.encrypted {
		return v.name + ", " + v.codec + ", encrypted"
	}
	return v.name + ", " + v.codec
}

// limit is how many sessions a user may have, where that can be limited.
const limit = 3

// settings returns the config of all nodes. Sweeps and touches are frequent, so that they happen at all.
func (v variant) settings(t *testing.T) string {
	t.Helper()
	c := map[string]any{
		"provider":       v.provider,
		"providerConfig": v.config(t),
		"namespace":      strings.ReplaceAll(v.String(), ", ", "-"),
		"codec":          v.codec,
		"maxLifetime":    3600,
		"gclifetime":     1,
		"touchInterval":  "200ms",
		"opTimeout":      "30s",
	}
	if v.encrypted {
		c["encryptionKeys"] = []string{aKey}
	}
	if v.users {
		c["maxPerUser"] = limit
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
