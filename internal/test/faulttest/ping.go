package faulttest

import (
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// Pings restarts the server behind p while a node is idle and holds many connections. It checks that each Ping of the node
// succeeds as soon as the server is back, and that Ping fails while the server is down.
func Pings(t testing.TB, s Server, p *servertest.Proxy, node driver.Pinger) {
	t.Helper()
	const together = 12
	p.SetLatency(50 * time.Millisecond) // so that each of the pings needs a connection of its own
	var pings sync.WaitGroup
	for range together {
		pings.Go(func() {
			if err := node.Ping(t.Context()); err != nil {
				t.Errorf("Ping = %v", err)
			}
		})
	}
	pings.Wait()
	p.SetLatency(0)
	if idle := p.Connections(); idle < 4 {
		t.Fatalf("the node has only %d connections", idle)
	}
	s.Stop(t)
	s.Start(t)
	for try := range 3 {
		if err := node.Ping(t.Context()); err != nil {
			t.Errorf("Ping %d after a restart = %v", try+1, err)
		}
	}
	s.Stop(t)
	for try := range 2 {
		if node.Ping(t.Context()) == nil {
			t.Errorf("Ping %d of a server that is down succeeded", try+1)
		}
	}
	s.Start(t)
	if err := node.Ping(t.Context()); err != nil {
		t.Errorf("Ping after an outage = %v", err)
	}
}
