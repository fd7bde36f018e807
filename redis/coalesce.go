package redis

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A coalescer lets concurrent loads share round trips. The first loads go at once, each alone. Loads that arrive while
// maxFlying trips are under way wait for one of them to end, not for a timer; then one of the waiting loads takes all of
// them along. So a single load is never delayed, and a busy node sends few long pipelines instead of many short ones, which
// would cost both sides more system calls and connections. Loads of one session that make a trip together share the answer.
type coalescer struct {
	*client

	mu      sync.Mutex
	flying  int // trips under way
	waiting []*load
}

const (
	maxFlying = 2  // trips at a time
	maxLoads  = 64 // loads in a trip
)

// A load waits for a trip.
type load struct {
	name string
	most int
	turn chan struct{}    // closed when the load has been made, or when its caller must make it with others
	crew []*load          // set in the second case: all loads of the trip, including this one
	read *redis.StringCmd // how it was made
}

// record is [client.record], possibly together with other loads.
func (c *coalescer) record(ctx context.Context, name string, most int) (value []byte, err error) {
	c.mu.Lock()
	if c.flying < maxFlying {
		c.flying++
		c.mu.Unlock()
		defer c.land()
		return c.client.record(ctx, name, most)
	}
	l := &load{name: name, most: most, turn: make(chan struct{})}
	c.waiting = append(c.waiting, l)
	c.mu.Unlock()
	select {
	case <-l.turn:
	case <-ctx.Done():
		c.leave(ctx, l)
		return nil, fail(ctx, "load", ctx.Err())
	}
	if l.crew != nil {
		c.fly(ctx, l.crew)
	}
	value, err = recordOf(l.read, most)
	switch {
	case answered(err):
		return value, err
	case wrongType(err): // asking again would not help
		return nil, fail(ctx, "load", err)
	}
	return c.client.record(ctx, name, most) // which decides whether to send it again
}

// land ends a trip. The waiting loads make the next one.
func (c *coalescer) land() {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.waiting), maxLoads)
	if n == 0 {
		c.flying--
		return
	}
	crew := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	crew[0].crew = crew
	close(crew[0].turn)
}

// leave removes a load whose caller has given up.
func (c *coalescer) leave(ctx context.Context, l *load) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, w := range c.waiting {
		if w == l {
			c.waiting = append(c.waiting[:i:i], c.waiting[i+1:]...)
			return
		}
	}
	if l.crew != nil { // the others rely on it
		go c.fly(context.WithoutCancel(ctx), l.crew)
	}
}

// fly makes the loads of a crew in one trip. The first one is the caller's.
func (c *coalescer) fly(ctx context.Context, crew []*load) {
	defer c.land()
	defer func() {
		for _, l := range crew[1:] {
			close(l.turn)
		}
	}()
	timeout := maxFlight
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout) // the callers of the other loads may go on waiting
	defer cancel()
	type question struct {
		name string
		most int
	}
	pipe, asked := c.pipeline(), make(map[question]*redis.StringCmd, len(crew))
	for _, l := range crew {
		q := question{l.name, l.most}
		if asked[q] == nil {
			asked[q] = reading(ctx, l.name, l.most)
			pipe.Process(ctx, asked[q])
		}
		l.read = asked[q]
	}
	c.run(ctx, pipe)
}

// maxFlight limits a trip if the caller has no deadline.
const maxFlight = 5 * time.Second
