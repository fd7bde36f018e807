package sessiontest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

var brokenReserve = []breakage{
	{
		name: "Reserve counts records alone",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			n.unreserve(func(_ string, r reservation) bool { return r.user == c.user })
			return c.on(ctx, n)
		}),
		caught:  []string{"reserve/refuses", "reserve/evicts no reservation", "reserve/exactly"},
		related: []string{"UserLister"},
	},
	{
		name: "Reserve counts reservations alone",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			return c.on(ctx, n.world.node(n.namespace+" reserved"))
		}),
		caught:  []string{"reserve/refuses", "reserve/evicts"},
		related: []string{"UserLimiter", "Clearer", "Watcher"},
	},
	{
		name: "Reserve counts its own key",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			n.mu.Lock()
			_, own := n.reserved[place{n.namespace, c.key}]
			n.mu.Unlock()
			if own {
				c.limit--
			}
			return c.on(ctx, n)
		}),
		caught: []string{"reserve/refuses"},
	},
	{
		name: "Reserve counts all users",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			others := 0
			for _, rec := range n.all() {
				if rec.User != c.user {
					others++
				}
			}
			c.limit -= others
			return c.on(ctx, n)
		}),
		caught:  []string{"reserve/refuses"},
		related: []string{"Marker", "Watcher"},
	},
	{
		name: "Reserve counts all namespaces",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			n.mu.Lock()
			for at, rec := range n.records {
				if at.namespace != n.namespace && rec.User == c.user {
					c.limit--
				}
			}
			n.mu.Unlock()
			return c.on(ctx, n)
		}),
		caught: []string{"user/own namespace"},
	},
	{
		name: "Reserve counts the expired",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			n.mu.Lock()
			for at, rec := range n.records {
				if at.namespace == n.namespace && rec.User == c.user && !rec.Live(time.Now()) {
					c.limit--
				}
			}
			n.mu.Unlock()
			return c.on(ctx, n)
		}),
		caught: []string{"reserve/lapses"},
	},
	{
		name: "a reservation lasts",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			c.until = c.until.Add(time.Hour)
			return c.on(ctx, n)
		}),
		caught: []string{"reserve/lapses"},
	},
	{
		name: "a reservation never ends sooner",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			n.mu.Lock()
			if r, ok := n.reserved[place{n.namespace, c.key}]; ok && r.until.After(c.until) {
				c.until = r.until
			}
			n.mu.Unlock()
			return c.on(ctx, n)
		}),
		caught: []string{"reserve/given back"},
	},
	{
		name: "a late save holds a place",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				if errors.Is(err, session.ErrNotFound) && rec.User != "" {
					n.mu.Lock()
					n.reserved[place{n.namespace, key}] = reservation{rec.User, time.Now().Add(time.Minute)}
					n.mu.Unlock()
				}
				return err
			}}
		},
		caught: []string{"reserve/too late"},
	},
	{
		name: "a reservation outlives Clear",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, clear: func(ctx context.Context) error {
				n.remove(func(at place, _ driver.Record) bool { return at.namespace == n.namespace })
				return nil
			}}
		},
		caught: []string{"user/clear"},
	},
	{
		name: "a reservation outlives its record",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				n.mu.Lock()
				r, ok := n.reserved[place{n.namespace, key}]
				n.mu.Unlock()
				err := n.Create(ctx, key, rec)
				if err == nil && ok {
					n.mu.Lock()
					defer n.mu.Unlock()
					n.reserved[place{n.namespace, key}] = r
				}
				return err
			}}
		},
		caught:  []string{"reserve/exactly"},
		related: []string{"UserLister"},
	},
	{
		name: "a reservation is a record",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			evicted, err := c.on(ctx, n)
			if err == nil {
				n.Create(ctx, c.key, &driver.Record{User: c.user, Expires: c.until})
			}
			return evicted, err
		}),
		caught:  []string{"reserve/no record"},
		related: []string{"S12", "Clearer"},
	},
	{
		name: "Rename takes a reservation for a record",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			n.mu.Lock()
			_, taken := n.reserved[place{n.namespace, c.newKey}]
			n.mu.Unlock()
			if taken {
				return session.ErrExists
			}
			return c.on(ctx, n)
		}),
		caught: []string{"reserve/renamed"},
	},
	{
		name: "Reserve counts a record twice that is being renamed",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			if err := n.Create(ctx, c.newKey, c.rec); err != nil {
				return err
			}
			time.Sleep(time.Second)
			return n.Delete(ctx, c.oldKey, c.oldVersion)
		}),
		caught:  []string{"reserve/beside renames"},
		related: []string{"S4", "S7", "UserLister"},
	},
	{
		name: "Reserve evicts who logged in last",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			n.turn()
			defer n.turn()
			return c.on(ctx, n)
		}),
		caught: []string{"reserve/evicts"},
	},
	{
		name: "Reserve does not say whom it evicted",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			_, err := c.on(ctx, n)
			return nil, err
		}),
		caught:  []string{"reserve/evicts", "reserve/exactly"},
		related: []string{"Watcher"},
	},
	{
		name: "Reserve says whom to evict, and leaves it at that",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			before := n.all()
			evicted, err := c.on(ctx, n)
			n.mu.Lock()
			defer n.mu.Unlock()
			for _, key := range evicted {
				n.put(key, before[key])
			}
			return evicted, err
		}),
		caught: []string{"reserve/evicts"},
	},
	{
		name: "Reserve evicts one at most",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			n.mu.Lock()
			records, pending := n.held(c.user, c.key)
			n.mu.Unlock()
			if c.evict {
				c.limit = max(c.limit, len(records)+pending)
			}
			return c.on(ctx, n)
		}),
		caught: []string{"reserve/evicts"},
	},
	{
		name: "Reserve evicts reservations",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			if c.evict {
				n.unreserve(func(key string, r reservation) bool { return r.user == c.user && key != c.key })
			}
			return c.on(ctx, n)
		}),
		caught: []string{"reserve/evicts no reservation"},
	},
	{
		name: "Reserve does not wait",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			evicted, done, err := n.reserve(c.user, c.key, c.until, c.limit, c.evict)
			if !done && err == nil {
				err = errors.New("busy")
			}
			return evicted, err
		}),
		caught: []string{"reserve/evicts no reservation", "reserve/exactly"},
	},
	{
		name: "Reserve looks, then reserves",
		alter: reserving(func(n *node, ctx context.Context, c reserveCall) ([]string, error) {
			n.mu.Lock()
			records, pending := n.held(c.user, c.key)
			n.mu.Unlock()
			meanwhile()
			if len(records)+pending >= c.limit {
				return c.on(ctx, n)
			}
			c.limit = 1000
			return c.on(ctx, n)
		}),
		caught: []string{"reserve/exactly"},
	},
}

// A reserveCall is a call of Reserve.
type reserveCall struct {
	user, key string
	until     time.Time
	limit     int
	evict     bool
}

func (c reserveCall) on(ctx context.Context, n *node) ([]string, error) {
	return n.Reserve(ctx, c.user, c.key, c.until, c.limit, c.evict)
}

// reserving returns how to alter a node so that f stands in for Reserve.
func reserving(f func(n *node, ctx context.Context, c reserveCall) ([]string, error)) func(n *node) driver.Backend {
	return func(n *node) driver.Backend {
		return &altered{node: n, reserve: func(ctx context.Context, user, key string, until time.Time, limit int, evict bool) ([]string, error) {
			return f(n, ctx, reserveCall{user, key, until, limit, evict})
		}}
	}
}

// unreserve ends the reservations of the namespace for which ok holds.
func (n *node) unreserve(ok func(key string, r reservation) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for at, r := range n.reserved {
		if at.namespace == n.namespace && ok(at.key, r) {
			delete(n.reserved, at)
		}
	}
}

// turn swaps the auth times, so that who was first is last. Turned twice, all is as before.
func (n *node) turn() {
	n.mu.Lock()
	defer n.mu.Unlock()
	keys := make([]place, 0, len(n.records))
	for at := range n.records {
		keys = append(keys, at)
	}
	slices.SortFunc(keys, func(a, b place) int { return n.records[a].AuthTime.Compare(n.records[b].AuthTime) })
	for i, j := 0, len(keys)-1; i < j; i, j = i+1, j-1 {
		a, b := n.records[keys[i]], n.records[keys[j]]
		a.AuthTime, b.AuthTime = b.AuthTime, a.AuthTime
		n.records[keys[i]], n.records[keys[j]] = a, b
	}
}
