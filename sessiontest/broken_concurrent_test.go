package sessiontest

import (
	"context"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

var brokenConcurrent = []breakage{
	{
		name: "Create looks, then stores",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				if n.Load(ctx, key, new(driver.Record)) == nil {
					return session.ErrExists
				}
				meanwhile()
				rec.Version = 1
				n.mu.Lock()
				defer n.mu.Unlock()
				n.put(key, *rec)
				return nil
			}}
		},
		caught: []string{"concurrent/creates"},
	},
	{
		name: "Save looks, then stores",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				n.mu.Lock()
				stored, err := n.at(key, rec.Version)
				n.mu.Unlock()
				if err != nil {
					return err
				}
				meanwhile()
				rec.Version++
				mine := *rec
				if stored.Expires.After(mine.Expires) && !mine.Shorten {
					mine.Expires = stored.Expires
				}
				n.mu.Lock()
				defer n.mu.Unlock()
				n.put(key, mine)
				return nil
			}}
		},
		caught: []string{
			"concurrent/increments", "concurrent/save and delete at a version", "concurrent/delete is final",
			"concurrent/save and touch", "rename/one wins",
		},
	},
	{
		name: "Touch looks, then stores",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				var rec driver.Record
				if err := n.Load(ctx, key, &rec); err != nil {
					return err
				}
				meanwhile()
				if expires.After(rec.Expires) {
					rec.Expires = expires
				}
				n.mu.Lock()
				defer n.mu.Unlock()
				n.put(key, rec)
				return nil
			}}
		},
		caught: []string{"concurrent/save and touch", "concurrent/delete is final"},
	},
	{
		name: "Delete looks, then removes",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				n.mu.Lock()
				_, err := n.at(key, version)
				n.mu.Unlock()
				if version != 0 && err != nil {
					return err
				}
				meanwhile()
				return n.Delete(ctx, key, 0)
			}}
		},
		caught: []string{"concurrent/save and delete at a version"},
	},
	{
		name: "Load reads in two steps",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				if err := n.Load(ctx, key, rec); err != nil {
					return err
				}
				meanwhile()
				var later driver.Record
				if n.Load(ctx, key, &later) == nil {
					rec.Data = later.Data
				}
				return nil
			}}
		},
		caught: []string{"concurrent/whole records"},
	},
}

// meanwhile lets the others of a case do all they want.
func meanwhile() { time.Sleep(time.Nanosecond) }

var renameOverwrites = renaming(func(n *node, ctx context.Context, c renameCall) error {
	n.mu.Lock()
	delete(n.records, place{n.namespace, c.newKey})
	n.mu.Unlock()
	return c.on(ctx, n)
})

var brokenRename = []breakage{
	{
		name: "Rename keeps the version",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			if err := c.on(ctx, n); err != nil {
				return err
			}
			return n.change(c.newKey, func(rec *driver.Record) { rec.Version = c.oldVersion })
		}),
		caught: []string{"rename/moves"},
	},
	{
		name: "Rename keeps the old record",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			n.mu.Lock()
			defer n.mu.Unlock()
			old, err := n.at(c.oldKey, c.oldVersion)
			if err != nil {
				return err
			}
			n.put(c.newKey, old)
			delete(n.records, place{n.namespace, c.oldKey})
			return nil
		}),
		caught: []string{"rename/moves"},
	},
	{
		name: "Rename ignores the version",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			err := c.on(ctx, n)
			if stored := conflict(err); stored != nil {
				c.oldVersion = stored.Version
				return c.on(ctx, n)
			}
			return err
		}),
		caught: []string{"rename/another version"},
	},
	{
		name: "Rename creates what is not there",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			err := c.on(ctx, n)
			if errors.Is(err, session.ErrNotFound) {
				return n.Create(ctx, c.newKey, c.rec)
			}
			return err
		}),
		caught: []string{"rename/nothing", "rename/one wins"},
	},
	{
		name:   "Rename overwrites what is there",
		alter:  renameOverwrites,
		caught: []string{"rename/taken"},
	},
	{
		name: "Rename removes, then stores",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			if err := n.Delete(ctx, c.oldKey, c.oldVersion); err != nil {
				return err
			}
			meanwhile()
			return n.Create(ctx, c.newKey, c.rec)
		}),
		caught: []string{"rename/one step"},
	},
	{
		name: "Rename stores, then removes",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			if err := n.Create(ctx, c.newKey, c.rec); err != nil {
				return err
			}
			meanwhile()
			return n.Delete(ctx, c.oldKey, c.oldVersion)
		}),
		caught: []string{"rename/one step", "rename/another version", "rename/nothing"},
	},
}
