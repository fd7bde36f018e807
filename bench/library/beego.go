package library

import (
	"github.com/beego/beego/v2/server/web/session"
	_ "github.com/beego/beego/v2/server/web/session/memcache"
	_ "github.com/beego/beego/v2/server/web/session/mysql"
	_ "github.com/beego/beego/v2/server/web/session/postgres"
	_ "github.com/beego/beego/v2/server/web/session/redis"

	"github.com/seed1a8f7c28/session/bench/workload"
)

var beego = Library{
	Name: "beego", Module: "github.com/beego/beego/v2",
	Keeps: "in memory all requests share the values of a session; elsewhere each request writes back all that it has read",
	On: map[string]func(Target) (*workload.App, error){
		"memory": func(Target) (*workload.App, error) { return openBeego("memory", "", true) },
		"cookie": func(Target) (*workload.App, error) {
			return openBeego("cookie", `{"cookieName":"gosessionid","securityKey":"beegocookiehashkey"}`, false)
		},
		"file":     func(t Target) (*workload.App, error) { return openBeego("file", t.Dir, true) },
		"redis":    func(t Target) (*workload.App, error) { return openBeego("redis", t.Addr+",100", true) },
		"memcache": func(t Target) (*workload.App, error) { return openBeego("memcache", t.Addr, true) },
		"postgres": func(t Target) (*workload.App, error) { return openBeegoSQL("postgres", "postgresql", t, beegoPostgres) },
		"mysql":    func(t Target) (*workload.App, error) { return openBeegoSQL("mysql", "mysql", t, beegoMySQL) },
	},
}

// The tables are those of the providers' documentation.
const (
	beegoPostgres = `CREATE TABLE session (session_key char(64) NOT NULL, session_data bytea, session_expiry timestamp NOT NULL,
CONSTRAINT session_key PRIMARY KEY(session_key))`

	beegoMySQL = "CREATE TABLE `session` (`session_key` char(64) NOT NULL, `session_data` blob, " +
		"`session_expiry` int(11) unsigned NOT NULL, PRIMARY KEY (`session_key`)) ENGINE=MyISAM DEFAULT CHARSET=utf8"
)

func openBeegoSQL(driver, provider string, t Target, table string) (*workload.App, error) {
	db, err := openSQL(driver, t.DSN, table)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return openBeego(provider, t.DSN, true)
}

func openBeego(provider, config string, setCookie bool) (*workload.App, error) {
	cfg := session.NewManagerConfig(
		session.CfgCookieName("gosessionid"), session.CfgGcLifeTime(3600), session.CfgProviderConfig(config),
		session.CfgSetCookie(setCookie),
	)
	manager, err := session.NewManager(provider, cfg)
	if err != nil {
		return nil, err
	}
	go manager.GC()
	return workload.OnHTTP(workload.Calls[workload.HTTP, session.Store]{
		Open: func(c workload.HTTP) (session.Store, error) { return manager.SessionStart(c.W, c.R) },
		Get: func(c workload.HTTP, s session.Store, key string) (any, error) {
			return s.Get(c.R.Context(), key), nil
		},
		Set: func(c workload.HTTP, s session.Store, key string, value any) error {
			return s.Set(c.R.Context(), key, value)
		},
		Release: func(c workload.HTTP, s session.Store) error {
			s.SessionRelease(c.R.Context(), c.W)
			return nil
		},
		Destroy: func(c workload.HTTP, _ session.Store) error {
			manager.SessionDestroy(c.W, c.R)
			return nil
		},
	}, nil), nil
}
