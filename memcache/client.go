package memcache

import (
	"context"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/internal/cas"
)

// A client is memcached's [cas.Items]. An item's number is memcached's cas unique.
type client struct {
	caller
	seen  cas.Seen
	later time.Duration // see cas.Later
}

// A call uses gomemcache once. It must not write to memory that its caller reads, because the caller may have given up.
type call = func(mc *memcache.Client) (*memcache.Item, error)

// A caller makes calls.
type caller interface {
	// do returns the result of the call, or ctx's error as soon as ctx is done.
	do(ctx context.Context, call call) (*memcache.Item, error)
	// drop closes idle connections.
	drop()
	// close waits for running calls. Later calls return [session.ErrClosed].
	close()
}

// run makes a call and reacts to its error. If the connection has ended, the idle ones may have ended too. If the server
// was restarted, its cas uniques start again from the beginning.
func (c *client) run(ctx context.Context, call call) (*memcache.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	item, err := c.do(ctx, call)
	if cut(err) {
		c.drop()
	}
	if broken(err) {
		c.seen.Clear()
	}
	return item, err
}

// again is run for calls that may run twice. If the connection has ended, which happens to connections that were idle for
// long, it tries again on a new one.
func (c *client) again(ctx context.Context, call call) (*memcache.Item, error) {
	item, err := c.run(ctx, call)
	if cut(err) {
		item, err = c.run(ctx, call)
	}
	return item, err
}

// Ping implements [driver.Pinger]. It succeeds if every server answers.
func (c *client) Ping(ctx context.Context) error {
	_, err := c.again(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Ping() })
	return fail("ping", err)
}

// probe makes one call in the same way as all later calls.
func (c *client) probe(ctx context.Context) error {
	_, err := c.Get(ctx, cas.Prefix("")+"probe")
	if errors.Is(err, cas.ErrMiss) {
		return nil
	}
	return fail("open", err)
}

// Close implements [io.Closer].
func (c *client) Close() error {
	c.close()
	return nil
}
