package sessiontest

import (
	"context"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A listener is told of the removals of a namespace.
type listener struct {
	namespace string
	keys      chan string
}

func (n *node) Watch(ctx context.Context, resync func(), destroyed func(key string)) error {
	l := &listener{n.namespace, make(chan string, 1000)}
	n.mu.Lock()
	n.listeners = append(n.listeners, l)
	n.mu.Unlock()
	resync()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case key := <-l.keys:
			destroyed(key)
		}
	}
}

// removed tells the listeners. The caller holds mu.
func (n *node) removed(key string) {
	for _, l := range n.listeners {
		if l.namespace == n.namespace {
			l.keys <- key
		}
	}
}

var brokenWatch = []breakage{
	{
		name: "Watch tells of no Rename",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			n.mu.Lock()
			heard := n.listeners
			n.listeners = nil
			n.mu.Unlock()
			err := c.on(ctx, n)
			n.mu.Lock()
			n.listeners = heard
			n.mu.Unlock()
			return err
		}),
		caught: []string{"watch/removals"},
	},
	{
		name: "Watch tells of no Mark",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			n.mu.Lock()
			heard := n.listeners
			n.listeners = nil
			n.mu.Unlock()
			err := c.on(ctx, n)
			n.mu.Lock()
			n.listeners = heard
			n.mu.Unlock()
			return err
		}),
		caught: []string{"watch/removals"},
	},
	{
		name: "Watch tells of each mark",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			err := c.on(ctx, n)
			if err == nil && c.version == 0 {
				n.mu.Lock()
				n.removed(c.key)
				n.mu.Unlock()
			}
			return err
		}),
		caught: []string{"watch/removals"},
	},
	{
		name: "Watch takes a mark for a record",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				n.mu.Lock()
				if n.missing(key) != session.ErrNotFound {
					n.removed(key)
				}
				n.mu.Unlock()
				return n.Delete(ctx, key, version)
			}}
		},
		caught: []string{"watch/removals"},
	},
	{
		name: "Watch tells of all namespaces",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				n.mu.Lock()
				for _, l := range n.listeners {
					if l.namespace != n.namespace {
						l.keys <- key
					}
				}
				n.mu.Unlock()
				return n.Delete(ctx, key, version)
			}}
		},
		caught: []string{"watch/own namespace"},
	},
	{
		name: "Watch tells of what goes on",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				n.mu.Lock()
				n.removed(key)
				n.mu.Unlock()
				return n.Save(ctx, key, rec)
			}}
		},
		caught: []string{"watch/removals"},
	},
	{
		name: "Watch returns nil",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, watch: func(ctx context.Context, resync func(), destroyed func(key string)) error {
				n.Watch(ctx, resync, destroyed)
				return nil
			}}
		},
		caught:  []string{"watch/ends"},
		related: []string{"S12"},
	},
}
