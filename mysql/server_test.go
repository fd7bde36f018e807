package mysql_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/internal/servertest"
)

func TestPool(t *testing.T) { engine.Pool(t) }

func TestExhausted(t *testing.T) { engine.Exhausted(t) }

func TestTwoProcesses(t *testing.T) { engine.TwoProcesses(t, engine.Database(t)) }

func TestSweep(t *testing.T) { engine.Sweep(t) }

func TestTrips(t *testing.T) {
	server := servertest.MariaDB(t)
	proxy := servertest.NewProxy(t, server.Addr)
	engine.Trips(t, server.DSNVia(proxy.Addr, server.NewDatabase(t)), proxy)
}
