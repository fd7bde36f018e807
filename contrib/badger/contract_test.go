package badger_test

import (
	"os"
	"testing"

	"github.com/seed1a8f7c28/session/contrib/badger"
	"github.com/seed1a8f7c28/session/internal/test/kvtest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestMain(m *testing.M) {
	if !engine.Role() {
		os.Exit(m.Run())
	}
}

var engine = kvtest.Engine{
	Open: badger.Open, DB: badger.OpenDB, DiskMB: 192,
	Damage: kvtest.Junk("MANIFEST", "*.sst", "begin *.sst", "KEYREGISTRY"),
}

func TestBadger(t *testing.T) { engine.Test(t) }

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, engine.Harness()) }
