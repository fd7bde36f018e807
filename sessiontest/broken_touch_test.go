package sessiontest

import (
	"context"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

var brokenTouch = []breakage{
	{
		name: "Touch shortens",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				return n.change(key, func(rec *driver.Record) { rec.Expires = expires })
			}}
		},
		caught: []string{"touch/never shortens"},
	},
	{
		name: "Touch with an earlier time is a miss",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				var rec driver.Record
				if n.Load(ctx, key, &rec) == nil && rec.Expires.After(expires) {
					return session.ErrNotFound
				}
				return n.Touch(ctx, key, expires)
			}}
		},
		caught: []string{"touch/never shortens"},
	},
	{
		name: "Touch with an equal time is a miss",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				var rec driver.Record
				if n.Load(ctx, key, &rec) == nil && rec.Expires.Equal(expires.Truncate(time.Millisecond)) {
					return session.ErrNotFound
				}
				return n.Touch(ctx, key, expires)
			}}
		},
		caught: []string{"touch/extends"},
	},
	{
		name: "Touch does nothing",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, _ time.Time) error {
				return n.Touch(ctx, key, time.Time{})
			}}
		},
		caught:  []string{"touch/extends", "expiry/touch extends it", "concurrent/save and touch", "sweep/extended ones"},
		related: []string{"S8", "S12"},
	},
	{
		name: "Touch is a new version",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				if err := n.Touch(ctx, key, expires); err != nil {
					return err
				}
				return n.change(key, func(rec *driver.Record) { rec.Version++ })
			}}
		},
		caught:  []string{"touch/no new version"},
		related: []string{"S6", "S8", "S12", "S14", "Sweeper"},
	},
	{
		name: "Touch loses the data",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				if err := n.Touch(ctx, key, expires); err != nil {
					return err
				}
				return n.change(key, func(rec *driver.Record) { rec.Data = nil })
			}}
		},
		caught:  []string{"touch/no new version"},
		related: []string{"S6", "S8", "S12", "S14", "Sweeper"},
	},
	{
		name: "Touch creates what is not there",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				err := n.Touch(ctx, key, expires)
				if err != nil {
					return n.Create(ctx, key, &driver.Record{Expires: expires})
				}
				return err
			}}
		},
		caught:  []string{"touch/creates nothing", "delete/final", "expiry/touch", "concurrent/delete is final"},
		related: []string{"S1", "Clearer"},
	},
	{
		name: "Touch of nothing is no miss",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				n.Touch(ctx, key, expires)
				return nil
			}}
		},
		caught:  []string{"touch/creates nothing", "delete/final", "expiry/touch"},
		related: []string{"S1", "Clearer"},
	},
}

// change changes the live record under key, or returns ErrNotFound.
func (n *node) change(key string, f func(rec *driver.Record)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	rec, ok := n.stored(key)
	if !ok {
		return session.ErrNotFound
	}
	f(&rec)
	n.put(key, rec)
	return nil
}
