package ssdb_test

import (
	"context"
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

// harness returns the kit's for a fake server of its own. All nodes are in this process, and share its locks.
func harness() sessiontest.Harness {
	return sessiontest.Harness{
		Store: func(t testing.TB) sessiontest.Open {
			addr := fakessdb.Start(t).Addr
			return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
				c.Config = addr
				return ssdb.Open(ctx, c)
			}
		},
	}
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness()) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness(), 10) }

func TestHistory(t *testing.T) {
	addr := fakessdb.Start(t).Addr
	historytest.Run(t, historytest.Setup{Open: nodes(addr)})
}

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, harness()) }

// nodes returns the function that opens nodes of one server.
func nodes(config string) func(...session.ManagerConfigOpt) (*session.Manager, error) {
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		opts = append([]session.ManagerConfigOpt{session.CfgProviderConfig(config)}, opts...)
		return session.NewManager(session.ProviderSsdb, session.NewManagerConfig(opts...))
	}
}
