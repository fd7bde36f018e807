package ssdb_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/ssdb"
	"github.com/seed1a8f7c28/session/contrib/ssdb/internal/fakessdb"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
	"github.com/seed1a8f7c28/session/internal/test/sample"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// The names of package sample that these tests use most.
var must, key, newRecord = sample.Must, sample.Key, sample.Record

// address returns that of a fake server, or of the one in SESSION_SSDB. Nothing there is removed, so each call returns a
// namespace of its own, too.
func address(t testing.TB) (addr, namespace string) {
	t.Helper()
	if addr := os.Getenv("SESSION_SSDB"); addr != "" {
		return addr, rand.Text()
	}
	return fakessdb.Start(t).Addr, ""
}

// harness returns the kit's for a server of its own. All nodes are in this process, and share its locks.
func harness() sessiontest.Harness {
	return sessiontest.Harness{
		Store: func(t testing.TB) sessiontest.Open {
			addr, namespace := address(t)
			return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
				c.Config, c.Namespace = addr, namespace+c.Namespace
				return ssdb.Open(ctx, c)
			}
		},
	}
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness()) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness(), 10) }

func TestHistory(t *testing.T) {
	addr, namespace := address(t)
	open := nodes(addr)
	historytest.Run(t, historytest.Setup{Open: func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		return open(append(opts, session.CfgNamespace(namespace))...)
	}})
}

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, harness()) }

// nodes returns the function that opens nodes of one server.
func nodes(config string) func(...session.ManagerConfigOpt) (*session.Manager, error) {
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		opts = append([]session.ManagerConfigOpt{session.CfgProviderConfig(config)}, opts...)
		return session.NewManager(session.ProviderSsdb, session.NewManagerConfig(opts...))
	}
}
