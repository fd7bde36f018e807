package memcache

import (
	"context"
	"errors"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/internal/seen"
)

// A client is the part that both layouts share: the calls of the servers, and what is known about their items.
type client struct {
	caller
	seen seen.Map[uint64]
}

// A sighting is what is known of an item. Its State is the cas unique, memcached's number of the item's state.
type sighting = seen.At[uint64]

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
	_, err := c.get(ctx, prefix("")+"probe")
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil
	}
	return fail("open", err)
}

// get returns an item or [memcache.ErrCacheMiss].
func (c *client) get(ctx context.Context, name string) (*memcache.Item, error) {
	item, err := c.again(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return mc.Get(name) })
	if err == nil && item.Key != name {
		return nil, errUnexpected
	}
	return item, err
}

func (c *client) add(ctx context.Context, item *memcache.Item) error {
	_, err := c.run(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Add(item) })
	return err
}

// cas replaces the item if its cas unique is item.CasID. It returns [memcache.ErrCacheMiss] for both
// [memcache.ErrCacheMiss] and [memcache.ErrNotStored].
func (c *client) cas(ctx context.Context, item *memcache.Item) error {
	_, err := c.run(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.CompareAndSwap(item) })
	if errors.Is(err, memcache.ErrNotStored) {
		return memcache.ErrCacheMiss
	}
	return err
}

// touch uses memcached's touch, after which nobody can read the expiry.
func (c *client) touch(ctx context.Context, name string, expiration int32) error {
	_, err := c.run(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Touch(name, expiration) })
	return err
}

// remove removes an item if it exists.
func (c *client) remove(ctx context.Context, name string) error {
	_, err := c.again(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Delete(name) })
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil
	}
	return err
}

// Close implements [io.Closer].
func (c *client) Close() error {
	c.close()
	return nil
}
