package sessiontest

import (
	"context"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// What brings a session back where a mark stands.
var brokenMarkReturns = []breakage{
	{
		name: "a mark is a record of version 1 to Save",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				if n.isMarked(key) && rec.Version == 1 {
					n.unmarkKey(key)
					return n.Create(ctx, key, rec)
				}
				return n.Save(ctx, key, rec)
			}}
		},
		caught: []string{"mark/nothing comes back", "mark/left by a rename"},
	},
	{
		name: "a mark is a record of its version to Save",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				if n.isMarked(key) && rec.Version == driver.MarkVersion {
					n.unmarkKey(key)
					return n.Create(ctx, key, rec)
				}
				return n.Save(ctx, key, rec)
			}}
		},
		caught: []string{"mark/nothing comes back"},
	},
	{
		name: "a mark is a conflict to Save",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				if n.isMarked(key) {
					return &driver.ConflictError{Record: &driver.Record{Version: driver.MarkVersion}}
				}
				return n.Save(ctx, key, rec)
			}}
		},
		caught: []string{"mark/nothing comes back", "mark/left by a rename"},
	},
	{
		name: "Touch of a mark is no miss",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				if n.isMarked(key) {
					return nil
				}
				return n.Touch(ctx, key, expires)
			}}
		},
		caught: []string{"mark/nothing comes back"},
	},
	{
		name: "Create replaces a mark",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				n.unmarkKey(key)
				return n.Create(ctx, key, rec)
			}}
		},
		caught: []string{"mark/nothing comes back"},
	},
	{
		name: "Delete removes marks",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				if version == 0 {
					n.unmarkKey(key)
				}
				return n.Delete(ctx, key, version)
			}}
		},
		caught: []string{"mark/nothing comes back"},
	},
	{
		name: "Delete of a mark is a miss",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				if n.isMarked(key) {
					return session.ErrNotFound
				}
				return n.Delete(ctx, key, version)
			}}
		},
		caught:  []string{"mark/nothing comes back"},
		related: []string{"Watcher"},
	},
	{
		name: "Delete at the version of a mark removes it",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				if n.isMarked(key) && version == driver.MarkVersion {
					n.unmarkKey(key)
					return nil
				}
				return n.Delete(ctx, key, version)
			}}
		},
		caught: []string{"mark/nothing comes back"},
	},
	{
		name: "Rename of a mark creates",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			if n.isMarked(c.oldKey) {
				return n.Create(ctx, c.newKey, c.rec)
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/nothing comes back"},
	},
	{
		name: "Rename of a mark moves it",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			err := c.on(ctx, n)
			if n.isMarked(c.oldKey) && errors.Is(err, session.ErrNotFound) {
				_ = n.Mark(ctx, c.newKey, 0, c.mark)
			}
			return err
		}),
		caught: []string{"mark/nothing comes back"},
	},
}
