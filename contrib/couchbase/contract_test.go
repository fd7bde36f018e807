package couchbase_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/couchbase/gocb/v2"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/couchbase"
	"github.com/seed1a8f7c28/session/contrib/couchbase/internal/fakecouchbase"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/sample"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// Some tests run other processes: this test binary with a role and a provider config.
func TestMain(m *testing.M) {
	if !proctest.Run(proctest.Roles{"write": writers.Write}) {
		servertest.Main(m)
	}
}

var writers = proctest.Writers{Provider: func() session.Provider { return session.NewProvider(couchbase.Open) }}

// The names of package sample that these tests use most.
var must, key, newRecord = sample.Must, sample.Key, sample.Record

// login is that of all fake servers.
var login = fakecouchbase.Options{Bucket: "sessions", Username: "app", Password: "pass word"}

// at returns the config for a server at an address.
func at(addr string) string {
	return fmt.Sprintf(`{"url": "couchbase://%s", "bucket": %q, "username": %q, "password": %q}`,
		addr, login.Bucket, login.Username, login.Password)
}

// harness returns the kit's for a fake server of its own.
func harness() sessiontest.Harness {
	return sessiontest.Harness{
		Store: func(t testing.TB) sessiontest.Open {
			config := at(fakecouchbase.Start(t, login).Addr)
			return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
				c.Config = config
				return couchbase.Open(ctx, c)
			}
		},
	}
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness()) }

// TestContractCollection is about an application's own cluster.
func TestContractCollection(t *testing.T) {
	t.Parallel()
	s := fakecouchbase.Start(t, login)
	cluster, err := gocb.Connect(s.URL(), gocb.ClusterOptions{Username: login.Username, Password: login.Password})
	must(t, err)
	defer cluster.Close(nil)
	p := couchbase.New(cluster.Bucket(login.Bucket).DefaultCollection(), gocb.DurabilityLevelUnknown)
	for range 2 { // it can be used on
		m, err := session.New(p, session.NewManagerConfig())
		must(t, err)
		must(t, m.Ping(t.Context()))
		must(t, m.Close())
	}
	if _, err := session.New(p, session.NewManagerConfig(session.CfgProviderConfig("x"))); err == nil {
		t.Error("a config beside a collection is accepted")
	}
	if _, err := session.New(couchbase.New(nil, 0), session.NewManagerConfig()); err == nil {
		t.Error("no collection is accepted")
	}
}

func TestModel(t *testing.T) { sessiontest.Model(t, harness(), 10) }

func TestHistory(t *testing.T) {
	historytest.Run(t, historytest.Setup{Open: nodes(at(fakecouchbase.Start(t, login).Addr))})
}

// TestTwoProcesses has 32 writers in two processes change one session 100 times each: nothing is lost.
func TestTwoProcesses(t *testing.T) { writers.Test(t, at(fakecouchbase.Start(t, login).Addr)) }

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, harness()) }

// nodes returns the function that opens nodes of one server.
func nodes(config string) func(...session.ManagerConfigOpt) (*session.Manager, error) {
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		opts = append([]session.ManagerConfigOpt{session.CfgProviderConfig(config)}, opts...)
		return session.NewManager(session.ProviderCouchbase, session.NewManagerConfig(opts...))
	}
}
