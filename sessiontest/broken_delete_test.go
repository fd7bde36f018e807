package sessiontest

import (
	"context"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

var brokenDelete = []breakage{
	{
		name: "Delete ignores the version",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				err := n.Delete(ctx, key, version)
				if conflict(err) != nil {
					return n.Delete(ctx, key, 0)
				}
				return err
			}}
		},
		caught:  []string{"delete/another version", "concurrent/save and delete at a version"},
		related: []string{"S13"},
	},
	{
		name: "Delete's conflict carries no record",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				err := n.Delete(ctx, key, version)
				if conflict(err) != nil {
					return &driver.ConflictError{}
				}
				return err
			}}
		},
		caught: []string{"delete/another version", "concurrent/save and delete at a version"},
	},
	{
		name: "Delete finds no version",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				if version != 0 {
					return session.ErrNotFound
				}
				return n.Delete(ctx, key, version)
			}}
		},
		caught:  []string{"delete/its version", "delete/another version", "delete/a version of nothing"},
		related: []string{"S8", "S12", "S14", "Lister"},
	},
	{
		name: "Delete of nothing is an error",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				if err := n.Load(ctx, key, new(driver.Record)); err != nil {
					return err
				}
				return n.Delete(ctx, key, version)
			}}
		},
		caught:  []string{"delete/any version", "expiry/delete"},
		related: []string{"Counter", "S14"},
	},
	{
		name: "Delete at a version of nothing is no error",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				err := n.Delete(ctx, key, version)
				if errors.Is(err, session.ErrNotFound) {
					return nil
				}
				return err
			}}
		},
		caught: []string{"delete/a version of nothing", "expiry/delete"},
	},
	{
		name: "Delete removes only what was never saved",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				if version == 0 {
					n.Delete(ctx, key, 1)
					return nil
				}
				return n.Delete(ctx, key, version)
			}}
		},
		caught:  []string{"delete/any version", "key/free again", "concurrent/delete is final"},
		related: []string{"S12"},
	},
	{
		name: "Delete leaves the key taken",
		alter: func(n *node) driver.Backend {
			return &altered{
				node: n,
				create: func(ctx context.Context, key string, rec *driver.Record) error {
					n.mu.Lock()
					_, taken := n.raw(key + " deleted")
					n.mu.Unlock()
					if taken {
						return session.ErrExists
					}
					return n.Create(ctx, key, rec)
				},
				delete: func(ctx context.Context, key string, version uint64) error {
					err := n.Delete(ctx, key, version)
					if err == nil {
						n.mu.Lock()
						n.put(key+" deleted", driver.Record{})
						n.mu.Unlock()
					}
					return err
				},
			}
		},
		caught:  []string{"key/free again"},
		related: []string{"Sweeper"},
	},
}

var brokenExpiry = []breakage{
	{
		name: "Load does not look at the time",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				n.mu.Lock()
				defer n.mu.Unlock()
				stored, ok := n.raw(key)
				if !ok {
					return session.ErrNotFound
				}
				*rec = stored
				return nil
			}}
		},
		caught: []string{"expiry/load", "expiry/save", "expiry/touch", "expiry/save shortens it"},
	},
	{
		name: "Load drops a record too early",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Load(ctx, key, rec)
				if err == nil && time.Until(rec.Expires) < 3*time.Millisecond {
					return session.ErrNotFound
				}
				return err
			}}
		},
		caught: []string{"expiry/not before"},
	},
	{
		name: "Save does not look at the time",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				n.revive(key)
				return n.Save(ctx, key, rec)
			}}
		},
		caught: []string{"expiry/save"},
	},
	{
		name: "Touch does not look at the time",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				n.revive(key)
				return n.Touch(ctx, key, expires)
			}}
		},
		caught: []string{"expiry/touch"},
	},
	{
		name: "Delete does not look at the time",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				n.revive(key)
				return n.Delete(ctx, key, version)
			}}
		},
		caught: []string{"expiry/delete"},
	},
	{
		name: "a time to live that is negative means for ever",
		alter: func(n *node) driver.Backend {
			forever := func(rec *driver.Record) {
				if !rec.Live(time.Now()) {
					rec.Expires = time.Now().Add(1000 * time.Hour)
				}
			}
			return &altered{
				node: n,
				create: func(ctx context.Context, key string, rec *driver.Record) error {
					forever(rec)
					return n.Create(ctx, key, rec)
				},
				save: func(ctx context.Context, key string, rec *driver.Record) error {
					forever(rec)
					return n.Save(ctx, key, rec)
				},
			}
		},
		caught: []string{"expiry/over already"},
	},
	{
		name: "the time to live is that of Create",
		alter: func(n *node) driver.Backend {
			first := make(map[string]time.Time)
			return &altered{
				node: n,
				create: func(ctx context.Context, key string, rec *driver.Record) error {
					err := n.Create(ctx, key, rec)
					if err == nil {
						n.mu.Lock()
						first[key] = rec.Expires
						n.mu.Unlock()
					}
					return err
				},
				load: func(ctx context.Context, key string, rec *driver.Record) error {
					n.mu.Lock()
					expires, ok := first[key]
					n.mu.Unlock()
					if ok && !time.Now().Before(expires) {
						return session.ErrNotFound
					}
					return n.Load(ctx, key, rec)
				},
			}
		},
		caught: []string{"expiry/touch extends it", "expiry/save extends it", "sweep/extended ones"},
	},
}

// revive moves the Expires of a record that has expired.
func (n *node) revive(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if rec, ok := n.raw(key); ok && !rec.Live(time.Now()) {
		rec.Expires = time.Now().Add(time.Second)
		n.put(key, rec)
	}
}
