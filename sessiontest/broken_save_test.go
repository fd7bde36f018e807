package sessiontest

import (
	"context"
	"errors"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

var brokenSave = []breakage{
	{
		name: "Save creates what is not there",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				if errors.Is(err, session.ErrNotFound) {
					return n.Create(ctx, key, rec)
				}
				return err
			}}
		},
		caught:  []string{"save/creates nothing", "delete/final", "expiry/save", "concurrent/delete is final", "rename/one wins"},
		related: []string{"S1", "Clearer"},
	},
	{
		name: "Save ignores the version",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				if stored := conflict(err); stored != nil {
					rec.Version = stored.Version
					return n.Save(ctx, key, rec)
				}
				return err
			}}
		},
		caught:  []string{"save/another version", "save/again after a conflict"},
		related: []string{"S14"},
	},
	{
		name: "Save takes versions later than the stored one",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				if stored := conflict(err); stored != nil && stored.Version < rec.Version {
					rec.Version = stored.Version
					return n.Save(ctx, key, rec)
				}
				return err
			}}
		},
		caught: []string{"save/another version"},
	},
	{
		name: "Save takes version 0 as any version",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				if stored := conflict(err); stored != nil && rec.Version == 0 {
					rec.Version = stored.Version
					return n.Save(ctx, key, rec)
				}
				return err
			}}
		},
		caught: []string{"save/another version"},
	},
	{
		name: "Save's conflict carries no record",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				if conflict(err) != nil {
					return &driver.ConflictError{}
				}
				return err
			}}
		},
		caught:  []string{"save/another version", "save/again after a conflict"},
		related: []string{"S14"},
	},
	{
		name: "Save's conflict carries the caller's record",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				if stored := conflict(err); stored != nil {
					mine := *rec
					mine.Version = stored.Version
					return &driver.ConflictError{Record: &mine}
				}
				return err
			}}
		},
		caught:  []string{"save/another version"},
		related: []string{"S14"},
	},
	{
		name: "Save's conflict carries a record without its version",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				if stored := conflict(err); stored != nil {
					stored.Version = 0
				}
				return err
			}}
		},
		caught:  []string{"save/another version", "save/again after a conflict"},
		related: []string{"S14"},
	},
	{
		name: "Save advances the version before it fails",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				if err != nil {
					rec.Version++
				}
				return err
			}}
		},
		caught:  []string{"error/record unchanged", "save/another version"},
		related: []string{"S14"},
	},
	{
		name: "Save advances the version by two",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				if err == nil {
					rec.Version++
					n.mu.Lock()
					stored, _ := n.raw(key)
					stored.Version++
					n.put(key, stored)
					n.mu.Unlock()
				}
				return err
			}}
		},
		caught:  []string{"save/advances the version", "concurrent/increments"},
		related: []string{"S6", "S7", "S8", "S12"},
	},
	{
		name: "Save does not tell the new version",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				mine := *rec
				return n.Save(ctx, key, &mine)
			}}
		},
		caught:  []string{"save/advances the version", "concurrent/increments"},
		related: []string{"S2", "S5", "S7", "S8", "Lister"},
	},
	{
		name: "Save keeps who and when",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				var old driver.Record
				n.Load(ctx, key, &old)
				mine := *rec
				mine.User, mine.Created, mine.AuthTime, mine.Deadline = old.User, old.Created, old.AuthTime, old.Deadline
				err := n.Save(ctx, key, &mine)
				rec.Version = mine.Version
				return err
			}}
		},
		caught:  []string{"record/save every field"},
		related: []string{"S3", "S14"},
	},
	{
		name: "Save keeps data when there is none",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				var old driver.Record
				n.Load(ctx, key, &old)
				mine := *rec
				if len(mine.Data) == 0 {
					mine.Data = old.Data
				}
				err := n.Save(ctx, key, &mine)
				rec.Version = mine.Version
				return err
			}}
		},
		caught: []string{"record/save every field"},
	},
	{
		name: "Save writes over the data that was loaded",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				n.mu.Lock()
				if old, err := n.at(key, rec.Version); err == nil {
					rec.Data = append(old.Data[:0], rec.Data...)
				}
				n.mu.Unlock()
				return n.Save(ctx, key, rec)
			}}
		},
		caught: []string{"record/loaded data stays"},
		racy:   true,
	},
	{
		name: "Save stores Expires as it comes",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				mine := *rec
				mine.Shorten = true
				err := n.Save(ctx, key, &mine)
				rec.Version = mine.Version
				return err
			}}
		},
		caught: []string{"save/never shortens", "save/shortens when told to", "concurrent/save and touch"},
	},
	{
		name: "Save never shortens",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				mine := *rec
				mine.Shorten = false
				err := n.Save(ctx, key, &mine)
				rec.Version = mine.Version
				return err
			}}
		},
		caught: []string{"save/shortens when told to", "expiry/save shortens it"},
	},
	{
		name: "Save leaves Expires alone",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				var old driver.Record
				n.Load(ctx, key, &old)
				mine := *rec
				mine.Expires = old.Expires
				err := n.Save(ctx, key, &mine)
				rec.Version = mine.Version
				return err
			}}
		},
		caught:  []string{"save/never shortens", "expiry/save extends it", "expiry/save shortens it"},
		related: []string{"S2"},
	},
}
