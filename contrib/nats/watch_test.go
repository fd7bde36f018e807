package nats_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// TestDoneOnAnotherNode measures how long after a logout on one node another hears of it.
func TestDoneOnAnotherNode(t *testing.T) {
	open := nodes(start(t, server.Options{}).ClientURL())
	faulttest.Told(t, func() *session.Manager {
		m, err := open()
		must(t, err)
		return m
	})
}

// TestDoneAfterABreak ends a session while the connections are broken.
func TestDoneAfterABreak(t *testing.T) {
	s := start(t, server.Options{})
	proxy := servertest.NewProxy(t, s.Addr().String())
	m, err := nodes(proxy.Addr)()
	must(t, err)
	t.Cleanup(func() { m.Close() })
	other, err := nodes(s.ClientURL())()
	must(t, err)
	t.Cleanup(func() { other.Close() })
	for name, outage := range map[string]func() (end func()){
		"refused":   func() func() { proxy.Refuse(true); proxy.Reset(); return func() { proxy.Refuse(false) } },
		"blackhole": func() func() { proxy.Blackhole(true); return func() { proxy.Blackhole(false) } },
	} {
		t.Run(name, func(t *testing.T) { faulttest.ToldAfter(t, m, other, outage) })
	}
}

// TestTwoProcesses has 32 writers in two processes change one session 100 times each: nothing is lost.
func TestTwoProcesses(t *testing.T) { writers.Test(t, start(t, server.Options{}).ClientURL()) }
