package memcache

import (
	"context"
	"errors"
	"sync"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session"
)

// A client makes the calls of gomemcache, which knows no context, under one.
type client struct {
	mc    *memcache.Client
	conns *connections // nil if the client is the application's
	seen  seen

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

func newClient(mc *memcache.Client, conns *connections) *client { return &client{mc: mc, conns: conns} }

type answer struct {
	item *memcache.Item
	err  error
}

// run returns what call does, or ctx's error as soon as ctx is over. Then the call goes on until it has an
// answer, the client's Timeout is over, or Close. It must not write to what the caller reads.
func (c *client) run(ctx context.Context, call func() (*memcache.Item, error)) (*memcache.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, session.ErrClosed
	}
	c.calls.Add(1)
	c.mu.Unlock()
	if ctx.Done() == nil {
		defer c.calls.Done()
		item, err := call()
		c.learn(err)
		return item, err
	}
	answers := make(chan answer, 1)
	go func() {
		defer c.calls.Done()
		item, err := call()
		c.learn(err)
		answers <- answer{item, err}
	}()
	select {
	case a := <-answers:
		return a.item, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// learn draws conclusions from an error. If it is no answer the server may have been started anew, and count its
// cas uniques from the beginning. If the connection has ended, those that are idle may have, too.
func (c *client) learn(err error) {
	if answered(err) {
		return
	}
	c.seen.clear()
	if cut(err) {
		c.mc.Close() // the idle ones alone; it can be used on
	}
}

// Ping implements [session.Pinger]: every server answers.
func (c *client) Ping(ctx context.Context) error {
	_, err := c.run(ctx, func() (*memcache.Item, error) { return nil, c.mc.Ping() })
	return fail("ping", err)
}

// get returns an item, or [memcache.ErrCacheMiss]. It is tried again on a new connection if the one that it was sent
// on has ended: that is how a connection ends that was idle for long.
func (c *client) get(ctx context.Context, name string) (*memcache.Item, error) {
	get := func() (*memcache.Item, error) { return c.mc.Get(name) }
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
	_, err := c.run(ctx, func() (*memcache.Item, error) { return nil, c.mc.Add(item) })
	return err
}

// cas replaces the item if it has item.CasID. Both [memcache.ErrCacheMiss] and [memcache.ErrNotStored] are
// returned as the first.
func (c *client) cas(ctx context.Context, item *memcache.Item) error {
	_, err := c.run(ctx, func() (*memcache.Item, error) { return nil, c.mc.CompareAndSwap(item) })
	if errors.Is(err, memcache.ErrNotStored) {
		return memcache.ErrCacheMiss
	}
	return err
}

// touch is memcached's, which tells nobody when the item expires.
func (c *client) touch(ctx context.Context, name string, expiration int32) error {
	_, err := c.run(ctx, func() (*memcache.Item, error) { return nil, c.mc.Touch(name, expiration) })
	return err
}

// remove removes an item, if it is there. It is tried again as get is.
func (c *client) remove(ctx context.Context, name string) error {
	remove := func() (*memcache.Item, error) { return nil, c.mc.Delete(name) }
	_, err := c.run(ctx, remove)
	if cut(err) {
		_, err = c.run(ctx, remove)
	}
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil
	}
	return err
}

// Close implements [io.Closer]. It ends the calls that are under way, or waits for them if the client is
// the application's.
func (c *client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	if c.conns != nil {
		c.conns.close()
	}
	c.calls.Wait()
	return nil
}
