package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

var brokenKeys = []breakage{
	{
		name:    "keys in small letters",
		alter:   keyed(strings.ToLower),
		caught:  []string{"key/exact", "key/alike"},
		related: []string{"S12", "Lister", "Sweeper"},
	},
	{
		name:   "keys without space around",
		alter:  keyed(strings.TrimSpace),
		caught: []string{"key/exact"},
	},
	{
		name:   "keys end at a NUL",
		alter:  keyed(func(key string) string { key, _, _ = strings.Cut(key, "\x00"); return key }),
		caught: []string{"key/exact"},
	},
	{
		name:    "keys are 42 characters long",
		alter:   keyed(func(key string) string { return key[:min(len(key), 42)] }),
		caught:  []string{"key/exact", "key/alike"},
		related: []string{"S12", "Lister", "Sweeper"},
	},
	{
		name: "keys are patterns",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, key: func(key string) string {
				for other := range n.all() {
					if key == "%" || key == "*" || key == other[:22]+"_"+other[23:] {
						return other
					}
				}
				return key
			}}
		},
		caught: []string{"key/exact"},
	},
	{
		name: "a miss is an empty record",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				n.Load(ctx, key, rec)
				return nil
			}}
		},
		caught:  []string{"key/unknown", "expiry/load", "delete/any version", "node/namespaces never meet"},
		related: []string{"S7", "S8", "S14", "Clearer", "Sweeper"},
	},
	{
		name: "a miss is an error of its own",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				if n.Load(ctx, key, rec) != nil {
					return errors.New("no rows")
				}
				return nil
			}}
		},
		caught:  []string{"key/unknown", "expiry/load", "delete/any version", "node/namespaces never meet"},
		related: []string{"S7", "S8", "S14", "Clearer", "Sweeper"},
	},
}

// keyed returns how to alter a node so that f runs on each key.
func keyed(f func(key string) string) func(n *node) driver.Backend {
	return func(n *node) driver.Backend { return &altered{node: n, key: f} }
}

var brokenNodes = []breakage{
	{
		name:    "each node has a store of its own",
		alter:   func(n *node) driver.Backend { return newWorld().node(n.namespace) },
		caught:  []string{"node/two share", "node/closing one", "concurrent/creates"},
		related: []string{"S7", "Lister"},
	},
	{
		name: "Close removes the records",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, close: func() error { return n.Clear(context.Background()) }}
		},
		caught: []string{"node/closing one"},
	},
	{
		name: "a closed node finds nothing",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				return missIfClosed(n.Load(ctx, key, rec))
			}}
		},
		caught: []string{"node/after Close"},
	},
	{
		name: "a closed node deletes nothing",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				return missIfClosed(n.Delete(ctx, key, version))
			}}
		},
		caught: []string{"node/after Close"},
	},
	{
		name: "a closed node saves nothing",
		alter: func(n *node) driver.Backend {
			return &altered{
				node: n,
				save: func(ctx context.Context, key string, rec *driver.Record) error {
					return missIfClosed(n.Save(ctx, key, rec))
				},
				touch: func(ctx context.Context, key string, at time.Time) error { return missIfClosed(n.Touch(ctx, key, at)) },
			}
		},
		caught: []string{"node/after Close"},
	},
	{
		name: "namespaces are ignored",
		alter: func(n *node) driver.Backend {
			n.namespace = ""
			return n
		},
		caught: []string{"node/namespaces never meet", "count/own namespace", "list/own namespace", "clear/own namespace"},
	},
	{
		name: "namespaces are prefixes in Count, List and Clear",
		alter: func(n *node) driver.Backend {
			all := func() []*node {
				n.mu.Lock()
				defer n.mu.Unlock()
				var nodes []*node
				namespaces := make(map[string]bool)
				for at := range n.records {
					if strings.HasPrefix(at.namespace, n.namespace) && !namespaces[at.namespace] {
						namespaces[at.namespace] = true
						nodes = append(nodes, n.world.node(at.namespace))
					}
				}
				return nodes
			}
			return &altered{
				node: n,
				count: func(ctx context.Context) (int, error) {
					total := 0
					for _, n := range all() {
						count, _ := n.Count(ctx)
						total += count
					}
					return total, nil
				},
				list: func(ctx context.Context) iter.Seq2[driver.Entry, error] {
					return func(yield func(driver.Entry, error) bool) {
						for _, n := range all() {
							for entry, err := range n.List(ctx) {
								if !yield(entry, err) {
									return
								}
							}
						}
					}
				},
				clear: func(ctx context.Context) error {
					for _, n := range all() {
						n.Clear(ctx)
					}
					return nil
				},
			}
		},
		caught: []string{"count/own namespace", "list/own namespace", "clear/own namespace"},
	},
}

// missIfClosed makes a miss of the error of a closed node.
func missIfClosed(err error) error {
	if errors.Is(err, driver.ErrClosed) {
		return session.ErrNotFound
	}
	return err
}

var brokenErrors = []breakage{
	{
		name: "a failed Load is a miss",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				if ctx.Err() != nil {
					return session.ErrNotFound
				}
				return n.Load(ctx, key, rec)
			}}
		},
		caught: []string{"error/cancelled load"},
	},
	{
		name: "a failed Create leaves a part",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				if ctx.Err() != nil {
					return errors.Join(ctx.Err(), n.Create(ctx, key, &driver.Record{Expires: rec.Expires}))
				}
				return n.Create(ctx, key, rec)
			}}
		},
		caught: []string{"error/cancelled create"},
	},
	{
		name: "a failed Create says nothing",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				if ctx.Err() != nil {
					return nil
				}
				return n.Create(ctx, key, rec)
			}}
		},
		caught: []string{"error/cancelled create"},
	},
	{
		name: "a failed Save leaves a part",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				if ctx.Err() != nil {
					n.change(key, func(stored *driver.Record) { stored.Data = rec.Data })
					return ctx.Err()
				}
				return n.Save(ctx, key, rec)
			}}
		},
		caught: []string{"error/cancelled save"},
	},
	{
		name: "a failed Touch says nothing",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, touch: func(ctx context.Context, key string, expires time.Time) error {
				if ctx.Err() != nil {
					return nil
				}
				return n.Touch(ctx, key, expires)
			}}
		},
		caught: []string{"error/cancelled touch"},
	},
	{
		name: "a failed Delete says nothing",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, delete: func(ctx context.Context, key string, version uint64) error {
				if ctx.Err() != nil {
					return nil
				}
				return n.Delete(ctx, key, version)
			}}
		},
		caught: []string{"error/cancelled delete"},
	},
	{
		name: "a failed Load empties the record",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Load(ctx, key, rec)
				if err != nil {
					*rec = driver.Record{}
				}
				return err
			}}
		},
		caught: []string{"error/record unchanged"},
	},
	{
		name: "a failed Create sets the version",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Create(ctx, key, rec)
				rec.Version = 1
				return err
			}}
		},
		caught: []string{"error/record unchanged"},
	},
	{
		name: "a failed Save forgets Shorten",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Save(ctx, key, rec)
				rec.Shorten = false
				return err
			}}
		},
		caught: []string{"error/record unchanged"},
	},
	{
		name: "errors show the key",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				if err := n.Load(ctx, key, rec); err != nil {
					return fmt.Errorf("load %s: %w", key, err)
				}
				return nil
			}}
		},
		caught: []string{"error/no secrets"},
	},
	{
		name: "errors show the record",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, save: func(ctx context.Context, key string, rec *driver.Record) error {
				if err := n.Save(ctx, key, rec); err != nil {
					return fmt.Errorf("save %+v: %w", *rec, err)
				}
				return nil
			}}
		},
		caught: []string{"error/no secrets"},
	},
}
