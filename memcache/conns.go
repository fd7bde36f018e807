package memcache

import (
	"context"
	"net"
	"sync"

	"github.com/seed1a8f7c28/session"
)

// connections are those of a client, in use or idle, so that closing it ends what waits on one.
type connections struct {
	ctx    context.Context // done when they are closed
	cancel context.CancelFunc

	mu   sync.Mutex
	open map[*conn]struct{}
}

func newConnections() *connections {
	c := &connections{open: make(map[*conn]struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// dial is the client's DialContext. gomemcache bounds ctx by its timeout.
func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	nc, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		nc.Close()
		return nil, session.ErrClosed
	}
	open := &conn{nc, c}
	c.open[open] = struct{}{}
	return open, nil
}

// close closes them all.
func (c *connections) close() {
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	for open := range c.open {
		open.Conn.Close() // whoever uses it gets an error
	}
	clear(c.open)
}

// A conn is one of them.
type conn struct {
	net.Conn
	of *connections
}

func (c *conn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
