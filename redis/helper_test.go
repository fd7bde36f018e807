package redis_test

import (
	"context"
	"io"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/sample"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// Some tests run other processes: this test binary with a role and the config of a server.
func TestMain(m *testing.M) {
	if proctest.Run(proctest.Roles{"write": writers.Write, "lines": showLines}) {
		return
	}
	goredis.SetLogger(silent{}) // the package would tell standard error of the clients that tests make themselves
	servertest.Main(m)
}

var writers = proctest.Writers{Provider: func() session.Provider { return session.NewProvider(redis.Open) }}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// empty returns the address of the shared server, with nothing in it.
func empty(t testing.TB) string {
	t.Helper()
	addr := servertest.Redis(t).Addr
	if err := bare(t, addr).FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	return addr
}

// bare returns a client of a server, until the test ends.
func bare(t testing.TB, addr string) *goredis.Client {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { c.Close() })
	return c
}

// A store is all that a backend is that is not in beego mode.
type store interface {
	driver.Backend
	driver.Counter
	driver.Lister
	driver.UserLister
	driver.AliasLister
	driver.UserLimiter
	driver.Marker
	driver.Clearer
	driver.Pinger
	io.Closer
}

// node opens a node until the test ends.
func node(t testing.TB, config, namespace string) store {
	t.Helper()
	return opened(t, redis.Open, driver.Config{Config: config, Namespace: namespace}).(store)
}

func opened(
	t testing.TB, open func(context.Context, driver.Config) (driver.Backend, error), c driver.Config,
) driver.Backend {
	t.Helper()
	b, err := open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.(io.Closer).Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

// The names of package sample that these tests use most.
var must, key, newRecord = sample.Must, sample.Key, sample.Record
