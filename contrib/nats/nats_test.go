package nats_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/seed1a8f7c28/session/contrib/nats"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// start starts a server with JetStream in this process, until the test ends.
func start(t testing.TB, o server.Options) *server.Server {
	t.Helper()
	o.JetStream = true
	return run(t, o)
}

// run starts a server.
func run(t testing.TB, o server.Options) *server.Server {
	t.Helper()
	o.Host, o.NoLog, o.NoSigs = "127.0.0.1", true, true
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	if o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	s, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s
}

func harness() sessiontest.Harness {
	return sessiontest.Harness{Store: func(t testing.TB) sessiontest.Open {
		s := start(t, server.Options{})
		return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
			c.Config = s.ClientURL()
			return nats.Open(ctx, c)
		}
	}}
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness()) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness(), 10) }
