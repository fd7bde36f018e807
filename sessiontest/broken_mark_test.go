package sessiontest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

var brokenMark = slices.Concat(brokenMarks, brokenMarkPlaces, brokenMarkReturns, brokenMarkLists, brokenMarkEnds, brokenMarkRename)

// What Mark does to a record, and what of a mark is kept.
var brokenMarks = []breakage{
	{
		name: "Mark deletes",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			if c.version == 0 {
				return nil
			}
			return n.Delete(ctx, c.key, c.version)
		}),
		caught: []string{
			"mark/in place of a record", "mark/where nothing stands", "mark/nothing comes back", "mark/expires", "mark/swept",
			"mark/own namespace", "mark/left by a rename", "mark/one wins",
		},
	},
	{
		name: "Mark leaves the record",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			n.mu.Lock()
			rec, ok := n.raw(c.key)
			n.mu.Unlock()
			err := c.on(ctx, n)
			n.mu.Lock()
			defer n.mu.Unlock()
			if err == nil && ok {
				mark := n.marks[place{n.namespace, c.key}]
				n.put(c.key, rec)
				n.marks[place{n.namespace, c.key}] = mark
			}
			return err
		}),
		caught:  []string{"mark/in place of a record", "mark/nothing comes back", "mark/not listed"},
		related: []string{"S6", "S7"},
	},
	{
		name: "a mark's target ends at a NUL",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			c.mark.Target, _, _ = bytes.Cut(c.mark.Target, []byte{0})
			return c.on(ctx, n)
		}),
		caught: []string{"mark/in place of a record"},
	},
	{
		name: "a mark's target is cut at 255 bytes",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			c.mark.Target = c.mark.Target[:min(len(c.mark.Target), 255)]
			return c.on(ctx, n)
		}),
		caught: []string{"mark/in place of a record"},
	},
	{
		name: "a mark's kind has seven bits",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			c.mark.Kind &= 127
			return c.on(ctx, n)
		}),
		caught: []string{"mark/in place of a record"},
	},
	{
		name: "a mark without a target is none",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			if len(c.mark.Target) == 0 && c.version != 0 {
				return n.Delete(ctx, c.key, c.version)
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/in place of a record"},
	},
	{
		name: "each node has marks of its own",
		alter: func(n *node) driver.Backend {
			var mu sync.Mutex
			mine := make(map[string]bool)
			return &altered{
				node: n,
				mark: func(ctx context.Context, c markCall) error {
					err := c.on(ctx, n)
					mu.Lock()
					defer mu.Unlock()
					mine[c.key] = mine[c.key] || err == nil
					return err
				},
				load: func(ctx context.Context, key string, rec *driver.Record) error {
					err := n.Load(ctx, key, rec)
					mu.Lock()
					defer mu.Unlock()
					if errors.Is(err, session.ErrNotFound) && !mine[key] {
						return session.ErrNotFound
					}
					return err
				},
			}
		},
		caught:  []string{"mark/in place of a record"},
		related: []string{"S7"},
	},
	{
		name: "Mark ignores the version",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			err := c.on(ctx, n)
			if stored := conflict(err); stored != nil {
				c.version = stored.Version
				return c.on(ctx, n)
			}
			return err
		}),
		caught: []string{"mark/another version", "mark/one wins"},
	},
	{
		name: "Mark's conflict carries no record",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			err := c.on(ctx, n)
			if conflict(err) != nil {
				return &driver.ConflictError{}
			}
			return err
		}),
		caught: []string{"mark/another version"},
	},
	{
		name: "Mark looks, then marks",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			n.mu.Lock()
			_, err := n.at(c.key, c.version)
			n.mu.Unlock()
			if c.version == 0 {
				return c.on(ctx, n)
			}
			if err != nil {
				return err
			}
			meanwhile()
			n.mu.Lock()
			defer n.mu.Unlock()
			n.putMark(c.key, c.mark)
			n.removed(c.key)
			return nil
		}),
		caught: []string{"mark/one wins"},
	},
}

// Where Mark marks.
var brokenMarkPlaces = []breakage{
	{
		name: "Mark at a version marks what is not there",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			err := c.on(ctx, n)
			if errors.Is(err, session.ErrNotFound) {
				c.version = 0
				_ = c.on(ctx, n)
			}
			return err
		}),
		caught: []string{"mark/nothing"},
	},
	{
		name: "Mark at a version does not look at the time",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			if c.version != 0 {
				n.revive(c.key)
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/nothing"},
	},
	{
		name: "Mark at the version of a mark replaces it",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			if c.version == driver.MarkVersion {
				n.unmarkKey(c.key)
				c.version = 0
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/nothing"},
	},
	{
		name: "Mark takes a mark for a record of another version",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			err := c.on(ctx, n)
			if mark, ok := errors.AsType[*driver.MarkedError](n.Load(ctx, c.key, new(driver.Record))); ok && err != nil && c.version != 0 {
				return &driver.ConflictError{Record: mark.Mark.Record()}
			}
			return err
		}),
		caught: []string{"mark/nothing"},
	},
	{
		name: "Mark at version 0 marks a live record",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			if c.version == 0 {
				_ = n.Delete(ctx, c.key, 0)
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/where nothing stands"},
	},
	{
		name: "Mark at version 0 replaces a mark",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			if c.version == 0 {
				n.unmarkKey(c.key)
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/where nothing stands"},
	},
	{
		name: "Mark where something stands is no error",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			err := c.on(ctx, n)
			if errors.Is(err, session.ErrExists) {
				return nil
			}
			return err
		}),
		caught: []string{"mark/where nothing stands"},
	},
	{
		name: "Mark does not take the key of an expired record",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			n.mu.Lock()
			_, taken := n.raw(c.key)
			n.mu.Unlock()
			if c.version == 0 && taken {
				return session.ErrExists
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/where nothing stands"},
	},
	{
		name: "Mark leaves the expired record",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			n.mu.Lock()
			_, taken := n.raw(c.key)
			n.mu.Unlock()
			if c.version == 0 && taken {
				return nil
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/where nothing stands"},
	},
	{
		name: "a mark is in all namespaces",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				n.mu.Lock()
				marks := maps.Clone(n.marks)
				n.mu.Unlock()
				for at := range marks {
					if at.key == key && n.world.node(at.namespace).Load(ctx, key, new(driver.Record)) != session.ErrNotFound {
						return session.ErrExists
					}
				}
				return n.Create(ctx, key, rec)
			}}
		},
		caught: []string{"mark/own namespace"},
	},
}

// isMarked reports whether a mark stands under key.
func (n *node) isMarked(key string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.missing(key) != session.ErrNotFound
}

// unmarkKey removes the mark under key.
func (n *node) unmarkKey(key string) {
	n.unmark(func(at place, _ driver.Mark) bool { return at == place{n.namespace, key} })
}
