package session

import (
	"sync/atomic"
	"time"
)

// calls counts the calls of the store that are under way.
type calls struct {
	n    atomic.Int64
	idle atomic.Pointer[chan struct{}] // who waits for the last to end
}

func (c *calls) begin() { c.n.Add(1) }

func (c *calls) end() {
	if c.n.Add(-1) > 0 {
		return
	}
	if idle := c.idle.Load(); idle != nil {
		select {
		case *idle <- struct{}{}:
		default:
		}
	}
}

// wait waits until no call is under way, but no longer than most.
func (c *calls) wait(most time.Duration) {
	idle := make(chan struct{}, 1)
	c.idle.Store(&idle)
	over := time.NewTimer(most)
	defer over.Stop()
	for c.n.Load() > 0 {
		select {
		case <-idle:
		case <-over.C:
			return
		}
	}
}
