package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// Pooled starts a PgBouncer for t, and returns the engine with its databases behind the pooler.
func (e Engine) Pooled(t testing.TB, mode string, size int) Engine {
	server := e.Server.Shared(t)
	bouncer := servertest.StartPgBouncer(t, server, mode, size)
	e.Server = nil
	e.Database = func(t testing.TB) string { return server.DSNVia(bouncer.Addr, server.NewDatabase(t)) }
	return e
}

// A Way is a kind of application's pool, and whether its connections work with a pooler in transaction mode.
type Way struct {
	Name    string // the name of the subtest
	Params  string // appended to the DSN
	Prepare bool
	Says    string // part of the error, "" if there is none
}

// Poolers opens backends on pools through poolers of several sizes. It checks that each either is refused with a helpful
// error, or serves many visitors at a time without a mistake.
func (e Engine) Poolers(t *testing.T, ways []Way) {
	for _, size := range []int{1, 2, 8} {
		pooled := e.Pooled(t, "transaction", size)
		for _, tt := range ways {
			t.Run(fmt.Sprintf("%d, %s", size, tt.Name), func(t *testing.T) {
				dsn := pooled.Empty(t)
				provider := func() session.Provider {
					return pooled.app(t, dsn+tt.Params, 0).Provider(sessionsql.Prepare(tt.Prepare))
				}
				if tt.Says == "" {
					visits(t, provider(), session.CfgOpTimeout(30*time.Second))
					return
				}
				for range 3 {
					m, err := session.New(provider(), session.NewManagerConfig())
					if err == nil {
						m.Close()
					}
					if err == nil || !strings.Contains(err.Error(), tt.Says) {
						t.Errorf("New = %v, want it to say %q", err, tt.Says)
					}
				}
			})
		}
	}
}

// PoolerProvider opens backends on connections of their own through poolers. In transaction mode, connections that prepare
// statements must be refused with an error that names the setting. In session mode each connection has a server's connection of
// its own, and everything works.
func (e Engine) PoolerProvider(t *testing.T) {
	dsn := e.Pooled(t, "transaction", 2).Empty(t)
	open := func(config string) error {
		m, err := session.New(session.NewProvider(e.Node), session.NewManagerConfig(session.CfgProviderConfig(config)))
		if err == nil {
			m.Close()
		}
		return err
	}
	if err := open(dsn); err == nil || !strings.Contains(err.Error(), `"prepare": false`) {
		t.Errorf("with statements that are prepared: %v", err)
	}
	if err := open(`{"dsn": "` + dsn + `", "prepare": false}`); err != nil {
		t.Errorf("with statements that are not prepared: %v", err)
	}
	if err := open(e.Pooled(t, "session", 40).Empty(t)); err != nil {
		t.Errorf("in session mode: %v", err)
	}
}

// visits lets visitors return repeatedly and concurrently, each with its own value, and checks that the value is there each
// time.
func visits(t *testing.T, p session.Provider, opts ...session.ManagerConfigOpt) {
	m := Manager(t, p, opts...)
	var visiting sync.WaitGroup
	for n := range 16 {
		visiting.Go(func() {
			cookie := visitor(t, m)
			for i := range 30 {
				s, err := start(m, cookie)
				if err != nil {
					t.Errorf("visit %d of visitor %d: %v", i, n, err)
					return
				}
				if was, _ := s.GetInt(t.Context(), "n"); i > 0 && was != n*1000+i-1 {
					t.Errorf("visit %d of visitor %d: the value is %d", i, n, was)
				}
				if err := errors.Join(s.Set(t.Context(), "n", n*1000+i), s.Save(t.Context())); err != nil {
					t.Errorf("visit %d of visitor %d: %v", i, n, err)
				}
			}
		})
	}
	visiting.Wait()
}

// PoolerContract runs package sessiontest through a pooler, with each backend on an application's pool.
func (e Engine) PoolerContract(t *testing.T, params string) {
	if !faulttest.Long() {
		t.Skip("it takes minutes, since each backend tries its connections out; TestPooler does not; here with SESSION_SOAK=1")
	}
	pooled := e.Pooled(t, "transaction", 4)
	pooled.Node = func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		db, err := sql.Open(e.Driver, c.Config+params)
		if err != nil {
			return nil, err
		}
		c.Config = ""
		b, err := sessionsql.OpenDB(ctx, c, db, e.Dialect(), sessionsql.Prepare(false))
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
		return closing{b, db}, nil
	}
	h := pooled.Harness()
	h.Local, h.Floor = false, nil
	sessiontest.Run(t, h)
}

// closing closes the pool together with the backend.
type closing struct {
	driver.Backend
	db *sql.DB
}

func (c closing) Unwrap() driver.Backend { return c.Backend }

func (c closing) Close() error { return errors.Join(c.Backend.(io.Closer).Close(), c.db.Close()) }

// PoolerUpgrade checks that opening an old table through a pooler is refused, because a lock and settings of the pooler's
// connections would remain for others, and that watching through a pooler is refused.
func (e Engine) PoolerUpgrade(t *testing.T) {
	pooled := e.Pooled(t, "transaction", 4)
	dsn := pooled.Empty(t)
	pooled.MakeOld(t, pooled.DB(t, dsn), "old")
	open := func(table string) (driver.Backend, error) {
		return e.Node(t.Context(), driver.Config{
			Config: fmt.Sprintf(`{"dsn": %q, "table": %q, "prepare": false}`, dsn, table), Logger: slog.New(slog.DiscardHandler),
		})
	}
	if _, err := open("old"); err == nil || !strings.Contains(err.Error(), "without the pooler") {
		t.Errorf("Open of an old table = %v", err)
	}
	b, err := open("sessions")
	if err != nil {
		t.Fatal(err)
	}
	defer b.(io.Closer).Close()
	begin := time.Now()
	err = b.(driver.Watcher).Watch(t.Context(), func() { t.Error("resync") }, func(string) { t.Error("told") })
	if !errors.Is(err, errors.ErrUnsupported) || time.Since(begin) > 5*time.Second {
		t.Errorf("Watch = %v after %v, want ErrUnsupported at once", err, time.Since(begin))
	}
}
