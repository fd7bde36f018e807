package memcache_test

import (
	"context"
	"testing"
	"time"

	client "github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/castest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/memcache"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// two returns the config of the shared server and a second one, both empty.
func two(t testing.TB) string {
	return empty(t) + ";" + servertest.StartMemcached(t, servertest.MemcachedOptions{}).Addr
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness(memcache.Open, empty)) }

func TestContractTwoServers(t *testing.T) { sessiontest.Run(t, harness(memcache.Open, two)) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness(memcache.Open, two), 30) }

// TestContractClient is about an application's own client.
func TestContractClient(t *testing.T) {
	c := client.New(empty(t))
	c.Timeout = 5 * time.Second
	defer c.Close()
	p := memcache.New(c)
	m, err := session.New(p, session.NewManagerConfig())
	must(t, err)
	must(t, m.Close())
	must(t, c.Ping()) // it can be used on

	open := func(_ context.Context, cfg driver.Config) (driver.Backend, error) {
		return memcache.Over(c, cfg), nil
	}
	sessiontest.Run(t, harness(open, func(testing.TB) string { return "" }))
}

func TestRegistered(t *testing.T) {
	m, err := session.NewManager("memcache", session.NewManagerConfig(session.CfgProviderConfig(empty(t))))
	must(t, err)
	must(t, m.Close())
}

// TestNoMore checks that the backend does not claim what memcached cannot do.
func TestNoMore(t *testing.T) { castest.NoMore(t, newNode(t, driver.Config{Config: empty(t)})) }
