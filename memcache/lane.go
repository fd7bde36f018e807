package memcache

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/framing"
)

// lanes make calls that end with their context. gomemcache knows no contexts and does not expose its connections. So each
// running call has a gomemcache client of its own, a lane, whose connections are closed when the call's context is done.
// The alternative, a goroutine for each call that is left behind in that case, takes half as long again as the call.
type lanes struct {
	servers servers
	timeout time.Duration
	max     int // maximum number of idle lanes

	mu     sync.Mutex
	closed bool
	idle   []*lane
	busy   map[*lane]struct{}
	calls  sync.WaitGroup
}

func newLanes(s servers, timeout time.Duration, maxIdle int) *lanes {
	return &lanes{servers: s, timeout: timeout, max: maxIdle, busy: make(map[*lane]struct{})}
}

func (ls *lanes) do(ctx context.Context, call call) (*memcache.Item, error) {
	l, err := ls.enter()
	if err != nil {
		return nil, err
	}
	defer ls.calls.Done()
	stop := context.AfterFunc(ctx, l.ending)
	item, err := call(l.mc)
	over, ended := !stop(), l.life.Err() != nil
	ls.leave(l, !over && answered(err))
	switch {
	case err != nil && over:
		err = ctx.Err()
	case err != nil && ended:
		err = driver.ErrClosed
	}
	return item, err
}

// enter returns a lane for one call, the most recently used one. As in gomemcache, there are as many as there are
// concurrent calls.
func (ls *lanes) enter() (*lane, error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed {
		return nil, driver.ErrClosed
	}
	ls.calls.Add(1)
	var l *lane
	if n := len(ls.idle) - 1; n >= 0 {
		l, ls.idle[n] = ls.idle[n], nil
		ls.idle = ls.idle[:n]
	} else {
		l = ls.newLane()
	}
	ls.busy[l] = struct{}{}
	return l, nil
}

// leave keeps a lane for the next call, or ends it.
func (ls *lanes) leave(l *lane, keep bool) {
	ls.mu.Lock()
	delete(ls.busy, l)
	if keep = keep && !ls.closed && len(ls.idle) < ls.max; keep {
		ls.idle = append(ls.idle, l)
	}
	ls.mu.Unlock()
	if !keep {
		l.end()
	}
}

// drop ends the idle lanes.
func (ls *lanes) drop() {
	ls.mu.Lock()
	idle := ls.idle
	ls.idle = nil
	ls.mu.Unlock()
	for _, l := range idle {
		l.end()
	}
}

// close ends all lanes, and waits for the calls.
func (ls *lanes) close() {
	ls.mu.Lock()
	ls.closed = true
	for l := range ls.busy {
		l.end()
	}
	ls.mu.Unlock()
	ls.drop()
	ls.calls.Wait()
}

// A lane has at most one connection to each server.
type lane struct {
	mc     *memcache.Client
	life   context.Context // done when the lane has ended
	kill   context.CancelFunc
	ending func() // end, as a value that is made once

	mu    sync.Mutex
	conns []net.Conn
}

func (ls *lanes) newLane() *lane {
	l := &lane{mc: memcache.NewFromSelector(ls.servers)}
	l.life, l.kill = context.WithCancel(context.Background())
	l.ending = l.end
	l.mc.DialContext, l.mc.Timeout, l.mc.MaxIdleConns = l.dial, ls.timeout, 1
	return l
}

// dial is the client's DialContext. gomemcache limits ctx with its timeout.
func (l *lane) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.life.Err(); err != nil {
		conn.Close()
		return nil, err
	}
	l.conns = append(l.conns, conn)
	return framing.Memcached(conn), nil
}

// end closes the connections. A call that is using one returns an error.
func (l *lane) end() {
	l.kill()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}
