package library

import (
	"cmp"
	"context"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/bench/workload"
	_ "github.com/seed1a8f7c28/session/contrib/badger"
	_ "github.com/seed1a8f7c28/session/contrib/bolt"
	_ "github.com/seed1a8f7c28/session/contrib/ledis"
	_ "github.com/seed1a8f7c28/session/contrib/leveldb"
	_ "github.com/seed1a8f7c28/session/contrib/nats"
	_ "github.com/seed1a8f7c28/session/contrib/pebble"
	"github.com/seed1a8f7c28/session/contrib/pgx"
	_ "github.com/seed1a8f7c28/session/contrib/sqlite"
	_ "github.com/seed1a8f7c28/session/cookie"
	_ "github.com/seed1a8f7c28/session/file"
	_ "github.com/seed1a8f7c28/session/memcache"
	_ "github.com/seed1a8f7c28/session/memory"
	_ "github.com/seed1a8f7c28/session/mysql"
	"github.com/seed1a8f7c28/session/postgres"
	_ "github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

const module = "github.com/seed1a8f7c28/session"

var (
	start = Library{
		Name: "session Start", Module: module, Ours: true, On: ours(onStart),
		Keeps: "each request has copies; a save applies what it has changed to what is stored by then",
	}
	mw       = Library{Name: "session mw", Module: module, Ours: true, On: ours(onHandler)}
	startPgx = Library{Name: "session Start, pgx", Module: module, Ours: true, On: overPgx(onStart, overDB)}
	mwPgx    = Library{Name: "session mw, pgx", Module: module, Ours: true, On: overPgx(onHandler, overDB)}

	startNative = Library{Name: "session Start, pgx native", Module: module, Ours: true, On: overPgx(onStart, native)}
	mwNative    = Library{Name: "session mw, pgx native", Module: module, Ours: true, On: overPgx(onHandler, native)}

	fast = Library{Name: "session on fasthttp", Module: module, Ours: true, On: map[string]func(Target) (*workload.App, error){
		"memory": func(Target) (*workload.App, error) { return openOurs("memory", "", onFast) },
	}}
)

// A way is how an application uses a manager.
type way func(m *session.Manager) *workload.App

// ours opens the provider of each backend.
func ours(use way) map[string]func(Target) (*workload.App, error) {
	on := make(map[string]func(Target) (*workload.App, error))
	for _, backend := range Backends {
		on[backend] = func(t Target) (*workload.App, error) { return openOurs(backend, Config(backend, t), use) }
	}
	return on
}

// Config is the provider config for a target.
func Config(backend string, t Target) string {
	switch backend {
	case "cookie":
		return `{"securityKey": "` + key + `"}`
	case "sqlite":
		return filepath.Join(t.Dir, "sessions.db")
	}
	return cmp.Or(t.DSN, t.Addr, t.Dir)
}

// Open returns an application that uses Start, on a provider.
func Open(provider, config string) (*workload.App, error) { return openOurs(provider, config, onStart) }

func openOurs(provider, config string, use way) (*workload.App, error) {
	cfg := session.NewManagerConfig()
	cfg.ProviderConfig = config
	m, err := session.NewManager(provider, cfg)
	if err != nil {
		return nil, err
	}
	go m.GC()
	return use(m).Closing(m.Close), nil
}

// overDB has database/sql in between.
func overDB(pool *pgxpool.Pool) session.Provider {
	return sessionsql.New(stdlib.OpenDBFromPool(pool), postgres.Dialect())
}

func native(pool *pgxpool.Pool) session.Provider { return pgx.New(pool) }

// overPgx gives the manager an application's pool of pgx.
func overPgx(use way, provider func(*pgxpool.Pool) session.Provider) map[string]func(Target) (*workload.App, error) {
	return map[string]func(Target) (*workload.App, error){"postgres": func(t Target) (*workload.App, error) {
		pool, err := newPgxPool(t)
		if err != nil {
			return nil, err
		}
		m, err := session.New(provider(pool), session.NewManagerConfig())
		if err != nil {
			pool.Close()
			return nil, err
		}
		go m.GC()
		return use(m).Closing(func() error {
			defer pool.Close()
			return m.Close()
		}), nil
	}}
}

func newPgxPool(t Target) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(t.DSN)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = Pool
	return pgxpool.NewWithConfig(context.Background(), cfg)
}

func onStart(m *session.Manager) *workload.App {
	return workload.OnHTTP(workload.Calls[workload.HTTP, *session.Session]{
		Open: func(c workload.HTTP) (*session.Session, error) { return m.Start(c.W, c.R) },
		Get: func(c workload.HTTP, s *session.Session, key string) (any, error) {
			return s.Get(c.R.Context(), key), nil
		},
		Set: func(c workload.HTTP, s *session.Session, key string, value any) error {
			return s.Set(c.R.Context(), key, value)
		},
		Release: func(c workload.HTTP, s *session.Session) error { return s.Save(c.R.Context()) },
		Destroy: func(c workload.HTTP, _ *session.Session) error { return m.Destroy(c.W, c.R) },
	}, nil)
}

func onHandler(m *session.Manager) *workload.App {
	return workload.OnHTTP(workload.Calls[workload.HTTP, *session.Session]{
		Open: func(c workload.HTTP) (*session.Session, error) { return m.FromContext(c.R.Context()) },
		Get: func(c workload.HTTP, s *session.Session, key string) (any, error) {
			return s.Get(c.R.Context(), key), nil
		},
		Set: func(c workload.HTTP, s *session.Session, key string, value any) error {
			return s.Set(c.R.Context(), key, value)
		},
		Destroy: func(c workload.HTTP, _ *session.Session) error { return m.Destroy(c.W, c.R) },
	}, m.Handler)
}

func onFast(m *session.Manager) *workload.App {
	return workload.OnFast(workload.Calls[*fasthttp.RequestCtx, *session.Session]{
		Open: func(ctx *fasthttp.RequestCtx) (*session.Session, error) { return m.FromContext(ctx) },
		Get: func(ctx *fasthttp.RequestCtx, s *session.Session, key string) (any, error) {
			return s.Get(ctx, key), nil
		},
		Set: func(ctx *fasthttp.RequestCtx, s *session.Session, key string, value any) error {
			return s.Set(ctx, key, value)
		},
		Destroy: func(ctx *fasthttp.RequestCtx, _ *session.Session) error { return sessionfasthttp.Destroy(m, ctx) },
	}, func(next fasthttp.RequestHandler) fasthttp.RequestHandler { return sessionfasthttp.Handler(m, next) })
}
