package faulttest

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A Server can be stopped, and started again on the same address with the same data.
type Server interface {
	Kill(t testing.TB)   // as a crash would end it
	Stop(t testing.TB)   // by its regular shutdown
	Start(t testing.TB)  // starts it again
	Pause(t testing.TB)  // accepts connections and bytes, and answers nothing
	Resume(t testing.TB) // continues with the requests that came meanwhile
}

// A Fault breaks and mends a store: see [Run].
type Fault = func(r *Round)

// Outage calls begin, and calls end when failures requests have failed.
func Outage(begin, end func(), failures int) Fault {
	return func(r *Round) {
		r.Broken()
		begin()
		r.Failures(failures)
		end()
	}
}

// Crash kills the server and starts it again.
func Crash(t testing.TB, s Server) Fault {
	return Outage(func() { s.Kill(t) }, func() { s.Start(t) }, 8)
}

// Restart stops the server by its regular shutdown and starts it again.
func Restart(t testing.TB, s Server) Fault {
	return Outage(func() { s.Stop(t) }, func() { s.Start(t) }, 8)
}

// Halt pauses the server, so that requests wait in its queues. It handles them long after their clients have given up.
func Halt(t testing.TB, s Server) Fault {
	return Outage(func() { s.Pause(t) }, func() { s.Resume(t) }, 20)
}

// Swallow drops all bytes in both directions.
func Swallow(p *servertest.Proxy) Fault {
	return Outage(func() { p.Blackhole(true) }, func() { p.Blackhole(false) }, 20)
}

// Refuse closes all connections and refuses new ones.
func Refuse(p *servertest.Proxy) Fault {
	return Outage(func() { p.Refuse(true); p.Reset() }, func() { p.Refuse(false) }, 20)
}

// Cut ends one connection after another after a few bytes of a reply. after is a method of p: ResetAfter or TruncateAfter.
func Cut(p *servertest.Proxy, after func(p *servertest.Proxy, n int)) Fault {
	return func(r *Round) {
		r.Broken()
		done := make(chan struct{})
		var cutting sync.WaitGroup
		cutting.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
					after(p, rand.N(4)*rand.N(100)) // many at once, and in short replies
				}
			}
		})
		r.Failures(40)
		close(done)
		cutting.Wait()
		after(p, -1)
	}
}

// Disconnect calls end repeatedly to close all connections.
func Disconnect(end func()) Fault {
	return func(r *Round) {
		r.Broken()
		for i := range 5 {
			end()
			r.Answers(40 * (i + 1))
		}
	}
}
