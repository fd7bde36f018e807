package faulttest

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/internal/servertest"
)

// A Server can be stopped, and started again on the same address with the same data.
type Server interface {
	Kill(t testing.TB)   // as a crash would end it
	Stop(t testing.TB)   // in its own orderly way
	Start(t testing.TB)  // again
	Pause(t testing.TB)  // takes connections and bytes, and answers nothing
	Resume(t testing.TB) // with what has come meanwhile
}

// A Fault is what [Run] takes.
type Fault = func(r *Round)

// Crash kills the server and starts it again.
func Crash(t testing.TB, s Server) Fault {
	return func(r *Round) {
		r.Broken()
		s.Kill(t)
		r.Failures(8)
		s.Start(t)
	}
}

// Restart has the server end in its orderly way and starts it again.
func Restart(t testing.TB, s Server) Fault {
	return func(r *Round) {
		r.Broken()
		s.Stop(t)
		r.Failures(8)
		s.Start(t)
	}
}

// Halt has requests wait in the server's queues: it takes them up when their clients have long given up.
func Halt(t testing.TB, s Server) Fault {
	return func(r *Round) {
		r.Broken()
		s.Pause(t)
		r.Failures(20)
		s.Resume(t)
	}
}

// Swallow loses what is sent.
func Swallow(p *servertest.Proxy) Fault {
	return func(r *Round) {
		r.Broken()
		p.Blackhole(true)
		r.Failures(20)
		p.Blackhole(false)
	}
}

// Cut ends one connection after another after some bytes of a reply. after is a method of p: ResetAfter or
// TruncateAfter.
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

// Disconnect ends all connections, by calling end, again and again.
func Disconnect(end func()) Fault {
	return func(r *Round) {
		r.Broken()
		for i := range 5 {
			end()
			r.Answers(40 * (i + 1))
		}
	}
}
