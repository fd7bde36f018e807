package postgres

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// askTime limits how long asking a server to end a statement may take. No call waits for it.
const askTime = time.Second

var errClosed = errors.New("the pool is closed")

// A dialer ends a connection when the context of Connect is done. It recognizes the connections over which lib/pq asks a
// server to end a statement, because they carry no Wire.
type dialer struct {
	net.Dialer

	mu     sync.Mutex
	closed bool
	asking sync.WaitGroup
}

func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	wire := sessionsql.WireOf(ctx)
	if wire == nil {
		return d.dialBrief(ctx, network, address)
	}
	wire.Release() // of another server, which has refused us
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	wire.Take(c)
	return c, nil
}

// DialTimeout is never called, but the interface requires it.
func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout(network, address, timeout)
}

func (d *dialer) dialBrief(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, errClosed
	}
	d.asking.Add(1)
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		d.asking.Done()
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	c.SetDeadline(deadline) // an error shows when writing
	return brief{c, sync.OnceFunc(d.asking.Done)}, nil
}

// close ends the asking of servers, and waits for it.
func (d *dialer) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.asking.Wait()
}

// A brief connection keeps its deadline even if lib/pq sets that of connect_timeout.
type brief struct {
	net.Conn
	closed func()
}

func (brief) SetDeadline(time.Time) error { return nil }

func (b brief) Close() error {
	defer b.closed()
	return b.Conn.Close()
}
