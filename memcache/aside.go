package memcache

import (
	"context"
	"sync"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/driver"
)

// An aside makes the calls of an application's client, each in its own goroutine. When the context of a call is done, its
// caller stops waiting. The call itself continues until it has an answer or the client's Timeout has passed.
type aside struct {
	mc *memcache.Client

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

type answer struct {
	item *memcache.Item
	err  error
}

func (a *aside) do(ctx context.Context, call call) (*memcache.Item, error) {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil, driver.ErrClosed
	}
	a.calls.Add(1)
	a.mu.Unlock()
	answers := make(chan answer, 1)
	go func() {
		defer a.calls.Done()
		item, err := call(a.mc)
		answers <- answer{item, err}
	}()
	select {
	case got := <-answers:
		return got.item, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// drop closes the idle connections. The client remains usable.
func (a *aside) drop() { a.mc.Close() }

// close waits for the calls, and does not close the client.
func (a *aside) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.calls.Wait()
}
