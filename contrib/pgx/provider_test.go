package pgx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/pgx"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestOpenFails(t *testing.T) {
	server := servertest.Postgres(t)
	silent, refusing := servertest.NewProxy(t, server.Addr), servertest.NewProxy(t, server.Addr)
	silent.Blackhole(true)
	refusing.Refuse(true)
	database := server.NewDatabase(t)
	const secret = "s3cr3t"
	as := func(user, addr string) string {
		return "postgres://" + user + ":" + secret + "@" + addr + "/" + database + "?sslmode=disable"
	}
	good := server.DSN(database)
	native.OpenFails(t, secret, []sqltest.Failure{
		{Name: "no DSN", Config: "", Says: "providerConfig"},
		{Name: "bad DSN", Config: "postgres://u:s3cr3t@[::1/db", Says: "providerConfig: not a data source name"},
		{Name: "bad DSN in an object", Config: `{"dsn": "postgres://u:s3cr3t@host:port/db"}`, Says: "providerConfig.dsn: not a data source name"},
		{Name: "bad parameter of the pool", Config: good + "&pool_max_conns=0", Says: "providerConfig: not a data source name"},
		{Name: "unknown key", Config: `{"dsn": "` + good + `", "tabel": "x"}`, Says: "providerConfig.tabel: unknown key"},
		{Name: "idle connections", Config: `{"dsn": "` + good + `", "maxIdleConns": 2}`, Says: "providerConfig.maxIdleConns: want none"},
		{Name: "refused", Config: as("u", refusing.Addr), Says: "cannot connect"},
		{Name: "no answer", Config: as("u", silent.Addr), Says: "cannot connect: waiting for a connection to " + silent.Addr, Silent: true},
		{Name: "wrong password", Config: as(server.User, server.Addr), Says: "password authentication failed"},
		{Name: "no such database", Config: strings.Replace(good, database, "no_such", 1), Says: "does not exist"},
	})
	if _, err := session.New(pgx.New(nil), session.NewManagerConfig()); err == nil || !strings.Contains(err.Error(), "*pgxpool.Pool") {
		t.Errorf("New without a pool: %v", err)
	}
	_, err := session.New(pgx.New(newPool(t, good, 0), pgx.Table("a b")), session.NewManagerConfig())
	if err == nil || !strings.Contains(err.Error(), "want a name of at most 48 letters") {
		t.Errorf("New with a bad table: %v", err)
	}
}

// TestNativePooler has a PgBouncer in the way, in transaction mode.
func TestNativePooler(t *testing.T) {
	const mode = "&default_query_exec_mode="
	native.Poolers(t, []sqltest.Way{
		{Name: "cached statements", Prepare: true, Says: "default_query_exec_mode=exec"},
		{Name: "described each time", Prepare: true, Params: mode + "describe_exec", Says: "default_query_exec_mode=exec"},
		{Name: "exec", Prepare: true, Params: mode + "exec"},
		{Name: "simple protocol", Prepare: true, Params: mode + "simple_protocol"},
		{Name: "cached descriptions", Prepare: true, Params: mode + "cache_describe"},
	})
}

func TestInfiniteTimes(t *testing.T) { native.InfiniteTimes(t) }

func TestNativePoolerUpgrade(t *testing.T) { native.PoolerUpgrade(t) }

func TestNativePoolerProvider(t *testing.T) { native.PoolerProvider(t) }

// TestNativePoolerContract runs the kit through one.
func TestNativePoolerContract(t *testing.T) {
	if !faulttest.Long() {
		t.Skip("it takes minutes, since each backend tries its connections out; TestNativePooler does not; here with SESSION_SOAK=1")
	}
	for _, mode := range []string{"exec", "simple_protocol", "cache_describe"} {
		t.Run(mode, func(t *testing.T) {
			pooled := native.Pooled(t, "transaction", 4)
			pooled.Node = func(ctx context.Context, c driver.Config) (driver.Backend, error) {
				c.Config += "&default_query_exec_mode=" + mode
				return pgx.Open(ctx, c)
			}
			h := pooled.Harness()
			h.Local, h.Floor = false, nil
			sessiontest.Run(t, h)
		})
	}
}

// TestModes runs the kit over the ways in which pgx can send statements: in the short form over the one that differs most, since it sends no
// parameters.
func TestModes(t *testing.T) {
	modes := []string{"simple_protocol"}
	if faulttest.Long() {
		modes = append(modes, "exec", "cache_describe", "describe_exec")
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			e := native
			e.Server = nil
			e.Database = func(t testing.TB) string { return native.Empty(t) + "&default_query_exec_mode=" + mode }
			h := e.Harness()
			h.Local, h.Floor = false, nil
			sessiontest.Run(t, h)
		})
	}
}

func TestNativeBeego(t *testing.T) {
	h := native.Harness()
	h.Beego = true
	sessiontest.Run(t, h)
}

// TestNativeSilenceOverTLS has a server of its own.
func TestNativeSilenceOverTLS(t *testing.T) {
	e, own := native, *native.Server
	server := servertest.StartPostgres(t, servertest.SQLOptions{TLS: servertest.NewCerts(t)})
	own.Shared = func(testing.TB) *servertest.SQLServer { return server }
	own.Encrypted = true
	e.Server = &own
	e.Silence(t)
}

// TestAfterASilence has all connections silent, and calls give up: their places in the pool are free again soon, and Close waits for
// none of them.
func TestAfterASilence(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	b, err := pgx.Open(t.Context(), driver.Config{Config: fmt.Sprintf(`{"dsn": %q, "maxOpenConns": 1}`, server.DSNVia(proxy.Addr, server.NewDatabase(t)))})
	if err != nil {
		t.Fatal(err)
	}
	load := func(timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return b.Load(ctx, sessiontest.Key("k"), new(driver.Record))
	}
	if err := load(10 * time.Second); !errors.Is(err, session.ErrNotFound) {
		t.Fatal(err)
	}
	proxy.Blackhole(true)
	if err := load(300 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Load in the silence: %v", err)
	}
	proxy.Blackhole(false)
	begin := time.Now()
	if err := load(20 * time.Second); !errors.Is(err, session.ErrNotFound) || time.Since(begin) > 8*time.Second {
		t.Errorf("Load after the silence: %v after %v", err, time.Since(begin))
	}
	proxy.Blackhole(true)
	load(300 * time.Millisecond)
	begin = time.Now()
	if err := b.(io.Closer).Close(); err != nil || time.Since(begin) > 8*time.Second {
		t.Errorf("Close: %v after %v", err, time.Since(begin))
	}
}

// TestTwoDrivers has both providers work on one table: each finds what the other stores, and hears of what it ends.
func TestTwoDrivers(t *testing.T) {
	dsn := native.Empty(t)
	var nodes []driver.Backend
	for _, open := range []sessiontest.Open{pgx.Open, postgres.Open} {
		b, err := open(t.Context(), driver.Config{Config: dsn, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer b.(io.Closer).Close()
		nodes = append(nodes, b)
	}
	for i, b := range nodes {
		other, key := nodes[1-i], sessiontest.Key(fmt.Sprint("k", i))
		now := time.UnixMilli(time.Now().UnixMilli())
		rec := &driver.Record{
			User: "ann", Alias: "a\x00b", Meta: []byte("m"), Created: now, AuthTime: now, Expires: now.Add(time.Hour),
			Deadline: now.Add(2 * time.Hour), Data: []byte("\x00data"),
		}
		var found driver.Record
		err := errors.Join(b.Create(t.Context(), key, rec), other.Load(t.Context(), key, &found))
		if err != nil || fmt.Sprint(found) != fmt.Sprint(*rec) {
			t.Errorf("loaded %v, want %v: %v", found, *rec, err)
		}
		found.Data = []byte("other")
		if err := errors.Join(other.Save(t.Context(), key, &found), b.Load(t.Context(), key, rec)); err != nil || string(rec.Data) != "other" {
			t.Errorf("after a save by the other: %q, %v", rec.Data, err)
		}
		told := make(chan string, 1)
		ctx, cancel := context.WithCancel(t.Context())
		ended, listens := make(chan error, 1), make(chan bool, 1)
		go func() {
			ended <- b.(driver.Watcher).Watch(ctx, func() { listens <- true }, func(key string) { told <- key })
		}()
		<-listens
		if err := other.Delete(t.Context(), key, 0); err != nil {
			t.Error(err)
		}
		if got := <-told; got != key {
			t.Errorf("told of %q, want the key", got)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch = %v", err)
		}
	}
}

// TestWatchBreaks has the connection that listens end, and fall silent.
func TestWatchBreaks(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	database := server.NewDatabase(t)
	open := func(dsn string) *session.Manager {
		m, err := session.NewManager("pgx", session.NewManagerConfig(session.CfgProviderConfig(dsn)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	m, other := open(server.DSNVia(proxy.Addr, database)), open(server.DSN(database))
	for name, outage := range map[string]func() (end func()){
		"refused":   func() func() { proxy.Refuse(true); proxy.Reset(); return func() { proxy.Refuse(false) } },
		"blackhole": func() func() { proxy.Blackhole(true); return func() { proxy.Blackhole(false) } },
	} {
		t.Run(name, func(t *testing.T) { faulttest.ToldAfter(t, m, other, outage) })
	}
}

// TestReserveTrips counts the round trips of a login with a limit: statements that need not wait for each other go together.
func TestReserveTrips(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	b, err := pgx.Open(t.Context(), driver.Config{Config: server.DSNVia(proxy.Addr, server.NewDatabase(t))})
	if err != nil {
		t.Fatal(err)
	}
	defer b.(io.Closer).Close()
	for round := range 4 { // the first prepares, the third is over the limit
		key := sessiontest.Key(fmt.Sprint(round))
		proxy.ResetTrips()
		evicted, err := b.(driver.UserLimiter).Reserve(t.Context(), "ann", key, time.Now().Add(time.Minute), 2, true)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := proxy.Trips(), 3+len(evicted); round > 0 && got != want && round != 2 {
			t.Errorf("round %d: %d round trips, want %d", round, got, want)
		}
		rec := &driver.Record{User: "ann", Created: time.Now(), AuthTime: time.Now(), Expires: time.Now().Add(time.Hour)}
		if err := b.Create(t.Context(), key, rec); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServersOfADSN has the first of two servers refuse.
func TestServersOfADSN(t *testing.T) {
	server := servertest.Postgres(t)
	refusing := servertest.NewProxy(t, server.Addr)
	refusing.Refuse(true)
	port := func(addr string) string {
		_, port, _ := net.SplitHostPort(addr)
		return port
	}
	dsn := server.DSN(server.NewDatabase(t)) + "&host=127.0.0.1,127.0.0.1&port=" + port(refusing.Addr) + "," + port(server.Addr)
	b, err := pgx.Open(t.Context(), driver.Config{Config: dsn})
	if err != nil {
		t.Fatal(err)
	}
	b.(io.Closer).Close()
}

// TestSentAgain cuts the connection amid a save. The pool sends nothing again by itself, so the provider does, and finds out
// whether the first try was made.
func TestSentAgain(t *testing.T) {
	server := servertest.Postgres(t)
	proxy := servertest.NewProxy(t, server.Addr)
	b, err := pgx.Open(t.Context(), driver.Config{Config: server.DSNVia(proxy.Addr, server.NewDatabase(t))})
	if err != nil {
		t.Fatal(err)
	}
	defer b.(io.Closer).Close()
	key, rec := sessiontest.Key("a"), &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)}
	if err := b.Create(t.Context(), key, rec); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		rec.Data = []byte{byte(n)}
		proxy.ResetAfter(0)
		if err := b.Save(t.Context(), key, rec); err != nil {
			t.Errorf("save %d: %v", n, err)
		}
		if want := uint64(n + 2); rec.Version != want {
			t.Errorf("save %d has made version %d, want %d", n, rec.Version, want)
		}
	}
}

// TestConnectionsEnded has the server end all connections while nobody uses them: each of the next calls finds a new one, whatever it
// does.
func TestConnectionsEnded(t *testing.T) {
	dsn := native.Empty(t)
	backends := map[string]driver.Backend{}
	var err error
	if backends["provider"], err = pgx.Open(t.Context(), driver.Config{Config: dsn}); err != nil {
		t.Fatal(err)
	}
	if backends["own pool"], err = pgx.OpenPool(t.Context(), driver.Config{}, newPool(t, dsn, 0)); err != nil {
		t.Fatal(err)
	}
	db := native.DB(t, dsn)
	for name, b := range backends {
		t.Run(name, func(t *testing.T) {
			defer b.(io.Closer).Close()
			key, next := sessiontest.Key(name), sessiontest.Key(name+"'")
			rec := &driver.Record{User: "ann", Created: time.Now(), AuthTime: time.Now(), Expires: time.Now().Add(time.Hour)}
			for call, do := range map[string]func() error{
				"Save":   func() error { return b.Save(t.Context(), key, rec) },
				"Touch":  func() error { return b.Touch(t.Context(), key, rec.Expires.Add(time.Minute)) },
				"Load":   func() error { return b.Load(t.Context(), key, rec) },
				"Create": func() error { return b.Create(t.Context(), sessiontest.Key(name+"other"), rec) },
				"Reserve": func() error {
					_, err := b.(driver.UserLimiter).Reserve(t.Context(), "ann", next, time.Now().Add(time.Minute), 5, false)
					return err
				},
			} {
				rec.Version = 1
				if err := errors.Join(b.Delete(t.Context(), key, 0), b.Delete(t.Context(), sessiontest.Key(name+"other"), 0), b.Create(t.Context(), key, rec)); err != nil {
					t.Fatal(err)
				}
				var loading sync.WaitGroup
				for range 8 { // so that there are several connections
					loading.Go(func() { b.Load(t.Context(), key, new(driver.Record)) })
				}
				loading.Wait()
				sqltest.Exec(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
				if err := do(); err != nil {
					t.Errorf("%s: %v", call, err)
				}
			}
		})
	}
}
