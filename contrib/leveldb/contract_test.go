package leveldb_test

import (
	"os"
	"testing"

	"github.com/seed1a8f7c28/session/contrib/leveldb"
	"github.com/seed1a8f7c28/session/internal/test/kvtest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestMain(m *testing.M) {
	if !engine.Role() {
		os.Exit(m.Run())
	}
}

var engine = kvtest.Engine{
	Open: leveldb.Open, DB: leveldb.OpenDB, DiskMB: 96,
	Damage: kvtest.Junk("CURRENT", "MANIFEST-*", "*.ldb", "begin *.ldb"),
}

func TestLevelDB(t *testing.T) { engine.Test(t) }

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, engine.Harness()) }
