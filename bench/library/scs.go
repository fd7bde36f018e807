package library

import (
	"errors"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/mysqlstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/postgresstore"
	"github.com/alexedwards/scs/v2"
	_ "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/bench/workload"
)

var (
	scsLibrary = Library{
		Name: "scs", Module: "github.com/alexedwards/scs/v2",
		Keeps: "a save writes back all that the request has read",
		On: map[string]func(Target) (*workload.App, error){
			"memory": func(Target) (*workload.App, error) { return onSCS(nil), nil },
			"redis": func(t Target) (*workload.App, error) {
				client := redis.NewClient(&redis.Options{Addr: t.Addr})
				return onSCS(goredisstore.New(client)).Closing(client.Close), nil
			},
			"postgres": openSCSPostgres,
			"mysql":    openSCSMySQL,
		},
	}
	scsPgx = Library{
		Name: "scs pgxstore", Module: "github.com/alexedwards/scs/pgxstore",
		On: map[string]func(Target) (*workload.App, error){"postgres": openSCSPgx},
	}
)

// The tables are those of the stores' READMEs.
const (
	scsPostgres = `CREATE TABLE sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL);
CREATE INDEX sessions_expiry_idx ON sessions (expiry)`

	scsMySQL      = `CREATE TABLE sessions (token CHAR(43) PRIMARY KEY, data BLOB NOT NULL, expiry TIMESTAMP(6) NOT NULL)`
	scsMySQLIndex = `CREATE INDEX sessions_expiry_idx ON sessions (expiry)`
)

func openSCSPostgres(t Target) (*workload.App, error) {
	db, err := openSQL("postgres", t.DSN, scsPostgres)
	if err != nil {
		return nil, err
	}
	store := postgresstore.New(db)
	return onSCS(store).Closing(func() error {
		store.StopCleanup()
		return db.Close()
	}), nil
}

func openSCSMySQL(t Target) (*workload.App, error) {
	db, err := openSQL("mysql", t.DSN+"?parseTime=true", scsMySQL, scsMySQLIndex)
	if err != nil {
		return nil, err
	}
	store := mysqlstore.New(db)
	return onSCS(store).Closing(func() error {
		store.StopCleanup()
		return db.Close()
	}), nil
}

func openSCSPgx(t Target) (*workload.App, error) {
	db, err := openSQL("postgres", t.DSN, scsPostgres)
	if err != nil {
		return nil, err
	}
	pool, err := newPgxPool(t)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	store := pgxstore.New(pool)
	return onSCS(store).Closing(func() error {
		store.StopCleanup()
		pool.Close()
		return nil
	}), nil
}

// onSCS leaves the store as it is, in memory, if there is no other.
func onSCS(store scs.Store) *workload.App {
	manager := scs.New()
	if store != nil {
		manager.Store = store
	}
	return workload.OnHTTP(workload.Calls[workload.HTTP, *scs.SessionManager]{
		Open: func(workload.HTTP) (*scs.SessionManager, error) { return manager, nil },
		Get: func(c workload.HTTP, s *scs.SessionManager, key string) (any, error) {
			return s.Get(c.R.Context(), key), nil
		},
		Set: func(c workload.HTTP, s *scs.SessionManager, key string, value any) error {
			s.Put(c.R.Context(), key, value)
			return nil
		},
		Destroy: func(c workload.HTTP, s *scs.SessionManager) error { return s.Destroy(c.R.Context()) },
	}, manager.LoadAndSave)
}
