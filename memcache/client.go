package memcache

import (
	"context"
	"errors"

	"github.com/bradfitz/gomemcache/memcache"
)

// A client is what both layouts share: the calls of the servers, and what is known of their items.
type client struct {
	caller
	seen seen
}

// A call uses gomemcache once. It must not write to what its caller reads, who may be gone.
type call = func(mc *memcache.Client) (*memcache.Item, error)

// A caller makes calls.
type caller interface {
	// do returns what the call does, or ctx's error as soon as ctx is over.
	do(ctx context.Context, call call) (*memcache.Item, error)
	// drop closes idle connections.
	drop()
	// close waits for the calls that are under way. Those after it return [session.ErrClosed].
	close()
}

// run makes a call, and draws conclusions from an error. If the connection has ended, those that are idle may have, too.
// And if the server was started anew, it counts its cas uniques from the beginning.
func (c *client) run(ctx context.Context, call call) (*memcache.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	item, err := c.do(ctx, call)
	if cut(err) {
		c.drop()
	}
	if broken(err) {
		c.seen.clear()
	}
	return item, err
}

// Ping implements [driver.Pinger]: every server answers.
func (c *client) Ping(ctx context.Context) error {
	_, err := c.run(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Ping() })
	return fail("ping", err)
}

// probe makes one call as all that follow.
func (c *client) probe(ctx context.Context) error {
	_, err := c.get(ctx, prefix("")+"probe")
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil
	}
	return fail("open", err)
}

// get returns an item, or [memcache.ErrCacheMiss]. It is tried again on a new connection if the one that it was sent
// on has ended: that is how a connection ends that was idle for long.
func (c *client) get(ctx context.Context, name string) (*memcache.Item, error) {
	get := func(mc *memcache.Client) (*memcache.Item, error) { return mc.Get(name) }
	item, err := c.run(ctx, get)
	if cut(err) {
		item, err = c.run(ctx, get)
	}
	if err == nil && item.Key != name {
		return nil, errUnexpected
	}
	return item, err
}

func (c *client) add(ctx context.Context, item *memcache.Item) error {
	_, err := c.run(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Add(item) })
	return err
}

// cas replaces the item if it has item.CasID. Both [memcache.ErrCacheMiss] and [memcache.ErrNotStored] are
// returned as the first.
func (c *client) cas(ctx context.Context, item *memcache.Item) error {
	_, err := c.run(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.CompareAndSwap(item) })
	if errors.Is(err, memcache.ErrNotStored) {
		return memcache.ErrCacheMiss
	}
	return err
}

// touch is memcached's, which tells nobody when the item expires.
func (c *client) touch(ctx context.Context, name string, expiration int32) error {
	_, err := c.run(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Touch(name, expiration) })
	return err
}

// remove removes an item, if it is there. It is tried again as get is.
func (c *client) remove(ctx context.Context, name string) error {
	remove := func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Delete(name) }
	_, err := c.run(ctx, remove)
	if cut(err) {
		_, err = c.run(ctx, remove)
	}
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
