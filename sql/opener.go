package sql

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

const (
	// openTime limits the opening of a connection, and how long an open one waits for a call to use it.
	openTime = 30 * time.Second

	// waitTime limits how long a call without a deadline waits. Such calls are database/sql's own, which meanwhile occupy a
	// place in the pool.
	waitTime = 5 * time.Second

	// pingTime limits how long a connection that has waited for a call may take to answer.
	pingTime = time.Second
)

// errNotOpen says that a call has waited for a connection until its context was done. Nothing was sent.
var errNotOpen = errors.New("the connection is not open yet")

// An opener finishes opening a connection even if the call that needed it is over, and gives the connection to another
// call. database/sql would discard it. If opening takes longer than a call may last, for example when all nodes reconnect
// to a server after an outage, no connection would ever be established, and each try would add to the server's load. The
// providers' test SlowToOpen measures both, and fails when the opener is no longer needed.
type opener struct {
	sqldriver.Connector
	max  int         // the size of the pool, and the limit of openings that no call waits for
	keep atomic.Bool // whether openings go on; otherwise calls return the driver's error

	free chan sqldriver.Conn // connections from openings whose call is over, for any other call
	life context.Context     // lasts until Close
	end  context.CancelFunc
	room chan struct{} // full while there are too many openings
	work sync.WaitGroup

	mu     sync.Mutex
	failed error // error of the last finished opening, nil if it succeeded
}

func newOpener(c sqldriver.Connector, maxOpen int) *opener {
	o := &opener{Connector: c, max: maxOpen, free: make(chan sqldriver.Conn), room: make(chan struct{}, 2*maxOpen)}
	o.life, o.end = context.WithCancel(context.Background())
	return o
}

// An opening is a connection that is being opened for a call. The call closes left when it gives up.
type opening struct {
	own    chan opened
	left   chan struct{}
	cancel context.CancelFunc
}

// An opened is the result of an opening.
type opened struct {
	conn sqldriver.Conn
	err  error
}

// Connect implements [sqldriver.Connector]. It returns the connection that it has begun to open, or one that was begun for
// an earlier call. The driver's Connect always gets a deadline.
func (o *opener) Connect(ctx context.Context) (sqldriver.Conn, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, waitTime)
		defer cancel()
	}
	if !o.keep.Load() {
		return o.Connector.Connect(ctx)
	}
	if conn := o.kept(ctx); conn != nil {
		return conn, nil
	}
	select {
	case o.room <- struct{}{}:
	case conn := <-o.free:
		return conn, nil
	case <-ctx.Done():
		return nil, o.notOpen(ctx)
	}
	c, err := o.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer close(c.left)
	select {
	case got := <-c.own:
		if got.err != nil && o.life.Err() != nil {
			return nil, driver.ErrClosed
		}
		return got.conn, got.err
	case conn := <-o.free:
		c.cancel()
		return conn, nil
	case <-ctx.Done():
		if len(o.room) > o.max {
			c.cancel()
		}
		return nil, o.notOpen(ctx)
	}
}

// kept returns an open connection that was waiting for a call, if there is one. It may have been lost meanwhile.
func (o *opener) kept(ctx context.Context) sqldriver.Conn {
	for ctx.Err() == nil {
		select {
		case conn := <-o.free:
			if answers(ctx, conn) {
				return conn
			}
			conn.Close()
		default:
			return nil
		}
	}
	return nil
}

// answers reports whether the server answers soon. There must be time left to open another connection.
func answers(ctx context.Context, conn sqldriver.Conn) bool {
	p, ok := conn.(sqldriver.Pinger)
	if !ok {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	return p.Ping(ctx) == nil
}

// begin begins to open a connection. The caller has taken a place in room. The place becomes free when the connection is
// given to a call or closed.
func (o *opener) begin(ctx context.Context) (*opening, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.life.Err() != nil {
		<-o.room
		return nil, driver.ErrClosed
	}
	c := &opening{own: make(chan opened), left: make(chan struct{})}
	ctx, c.cancel = context.WithTimeout(context.WithoutCancel(ctx), openTime)
	stop := context.AfterFunc(o.life, c.cancel)
	o.work.Go(func() {
		defer func() { <-o.room }()
		defer c.cancel()
		defer stop()
		o.open(ctx, c)
	})
	return c, nil
}

// open opens a connection, for its own call or, if that has given up, for any call.
func (o *opener) open(ctx context.Context, c *opening) {
	conn, err := o.Connector.Connect(ctx)
	got := opened{conn, err}
	if err != nil && ctx.Err() != nil { // openTime is over, although the call may have more time
		got.err = fmt.Errorf("%w: %w", errNotOpen, err)
	}
	select {
	case c.own <- got:
	case <-c.left:
		if err == nil {
			o.offer(ctx, conn)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !errors.Is(ctx.Err(), context.Canceled) {
		o.failed = err
	}
}

// offer gives the connection to the first call that wants it.
func (o *opener) offer(ctx context.Context, conn sqldriver.Conn) {
	if ctx.Err() != nil { // it was given up while it was being opened, and may be incomplete
		conn.Close()
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

// notOpen returns the error for a call that is over.
func (o *opener) notOpen(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed != nil {
		return fmt.Errorf("%w: %w; the last one: %v", errNotOpen, ctx.Err(), o.failed)
	}
	return fmt.Errorf("%w: %w", errNotOpen, ctx.Err())
}

// Close implements [io.Closer]. [sql.DB.Close] calls it. It ends all openings and waits for the driver to end them.
func (o *opener) Close() error {
	o.mu.Lock() // no opening may begin while it waits
	o.end()
	o.mu.Unlock()
	o.work.Wait()
	if c, ok := o.Connector.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
