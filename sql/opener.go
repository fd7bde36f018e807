package sql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session"
)

const (
	// openTime is how long a connection may take to open, and how long one that is open waits for a call to use it.
	openTime = 30 * time.Second

	// waitTime is how long a call waits that says nothing else. Those are database/sql's own, which hold a place in the pool
	// meanwhile.
	waitTime = 5 * time.Second
)

// An opener goes on opening a connection when the call is over that it was for, and gives it to another. database/sql
// throws away what was begun: where opening takes longer than a call may, as on a server that all nodes come back to at once
// after an outage, no connection would ever be open, and each try would add to the server's work.
type opener struct {
	driver.Connector
	max  int         // how many openings nobody waits for
	keep atomic.Bool // whether any go on; else the calls return what the driver says

	free     chan driver.Conn // from openings whose call is over, to any other
	openings atomic.Int64
	life     context.Context // until Close
	end      context.CancelFunc

	mu   sync.Mutex // so that none begins while Close waits
	work sync.WaitGroup
}

func newOpener(c driver.Connector, maxOpen int) *opener {
	o := &opener{Connector: c, max: maxOpen, free: make(chan driver.Conn)}
	o.life, o.end = context.WithCancel(context.Background())
	return o
}

// An opened is what has become of an opening.
type opened struct {
	conn driver.Conn
	err  error
}

// Connect implements [driver.Connector]. It returns the connection that it has begun to open, or one that was begun
// for a call before it.
func (o *opener) Connect(ctx context.Context) (driver.Conn, error) {
	if !o.keep.Load() {
		return o.Connector.Connect(ctx)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, waitTime)
		defer cancel()
	}
	opening, cancel := context.WithTimeout(o.life, openTime)
	own, left := make(chan opened), make(chan struct{})
	defer close(left)
	if !o.begin(func() {
		defer cancel()
		o.open(opening, own, left)
	}) {
		cancel()
		return nil, session.ErrClosed
	}
	select {
	case got := <-own:
		if got.err != nil && o.life.Err() != nil {
			return nil, session.ErrClosed
		}
		return got.conn, got.err
	case conn := <-o.free:
		cancel()
		return conn, nil
	case <-ctx.Done():
		if int(o.openings.Load()) > o.max {
			cancel()
		}
		return nil, fmt.Errorf("the connection is not open yet: %w", ctx.Err())
	}
}

// begin runs f in a goroutine, unless the opener is closed.
func (o *opener) begin(f func()) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.life.Err() != nil {
		return false
	}
	o.openings.Add(1)
	o.work.Go(func() {
		defer o.openings.Add(-1)
		f()
	})
	return true
}

// open opens a connection, for the call that receives from own until it closes left, then for any.
func (o *opener) open(ctx context.Context, own chan<- opened, left <-chan struct{}) {
	conn, err := o.Connector.Connect(ctx)
	select {
	case own <- opened{conn, err}:
		return
	case <-left:
	}
	if err != nil {
		return
	}
	unused := time.NewTimer(openTime)
	defer unused.Stop()
	select {
	case o.free <- conn:
	case <-unused.C:
		conn.Close()
	case <-o.life.Done():
		conn.Close()
	}
}

// Close implements [io.Closer]. [sql.DB.Close] calls it. It ends all openings, and waits for that.
func (o *opener) Close() error {
	o.mu.Lock()
	o.end()
	o.mu.Unlock()
	o.work.Wait()
	if c, ok := o.Connector.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
