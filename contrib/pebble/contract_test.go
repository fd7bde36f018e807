package pebble_test

import (
	"os"
	"testing"

	"github.com/seed1a8f7c28/session/contrib/pebble"
	"github.com/seed1a8f7c28/session/internal/test/kvtest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestMain(m *testing.M) {
	if !engine.Role() {
		os.Exit(m.Run())
	}
}

var engine = kvtest.Engine{
	Open: pebble.Open, DB: pebble.OpenDB, DiskMB: 96, Buffers: true,
	Damage: kvtest.Junk("MANIFEST-*", "*.sst", "begin *.sst"),
}

func TestPebble(t *testing.T) { engine.Test(t) }

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, engine.Harness()) }
