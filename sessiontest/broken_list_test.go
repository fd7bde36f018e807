package sessiontest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

var brokenList = []breakage{
	{
		name: "Count counts the expired",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, count: func(context.Context) (int, error) {
				n.mu.Lock()
				defer n.mu.Unlock()
				count := 0
				for at := range n.records {
					if at.namespace == n.namespace {
						count++
					}
				}
				return count, nil
			}}
		},
		caught: []string{"count/live ones"},
	},
	{
		name: "Count counts calls",
		alter: func(n *node) driver.Backend {
			calls := 0
			return &altered{
				node: n,
				create: func(ctx context.Context, key string, rec *driver.Record) error {
					n.mu.Lock()
					calls++
					n.mu.Unlock()
					return n.Create(ctx, key, rec)
				},
				delete: func(ctx context.Context, key string, version uint64) error {
					n.mu.Lock()
					calls--
					n.mu.Unlock()
					return n.Delete(ctx, key, version)
				},
				count: func(context.Context) (int, error) { return calls, nil },
			}
		},
		caught: []string{"count/live ones"},
	},
	{
		name: "List yields twice",
		alter: listing(func(n *node, ctx context.Context, yield func(driver.Entry, error) bool) {
			n.List(ctx)(yield)
			n.List(ctx)(yield)
		}),
		caught:  []string{"list/live ones", "list/stops"},
		related: []string{"S12"},
	},
	{
		name: "List yields the expired",
		alter: listing(func(n *node, ctx context.Context, yield func(driver.Entry, error) bool) {
			n.mu.Lock()
			all := maps.Clone(n.records)
			n.mu.Unlock()
			for at, rec := range all {
				if rec.Data = nil; at.namespace == n.namespace && !yield(driver.Entry{Key: at.key, Record: rec}, nil) {
					return
				}
			}
		}),
		caught: []string{"list/live ones"},
	},
	{
		name: "List yields data",
		alter: listing(func(n *node, ctx context.Context, yield func(driver.Entry, error) bool) {
			for key, rec := range n.all() {
				if !yield(driver.Entry{Key: key, Record: rec}, nil) {
					return
				}
			}
		}),
		caught: []string{"list/live ones"},
	},
	{
		name: "List yields keys alone",
		alter: listing(func(n *node, ctx context.Context, yield func(driver.Entry, error) bool) {
			for key := range n.all() {
				if !yield(driver.Entry{Key: key}, nil) {
					return
				}
			}
		}),
		caught: []string{"list/live ones"},
	},
	{
		name: "List leaves out metadata",
		alter: listing(func(n *node, ctx context.Context, yield func(driver.Entry, error) bool) {
			for entry, err := range n.List(ctx) {
				if entry.Meta = nil; !yield(entry, err) {
					return
				}
			}
		}),
		caught: []string{"list/live ones"},
	},
	{
		name: "List leaves out the alias",
		alter: listing(func(n *node, ctx context.Context, yield func(driver.Entry, error) bool) {
			for entry, err := range n.List(ctx) {
				if entry.Alias = ""; !yield(entry, err) {
					return
				}
			}
		}),
		caught: []string{"list/live ones"},
	},
	{
		name: "List yields one page",
		alter: listing(func(n *node, ctx context.Context, yield func(driver.Entry, error) bool) {
			yielded := 0
			for entry, err := range n.List(ctx) {
				if yielded++; yielded > 250 || !yield(entry, err) {
					return
				}
			}
		}),
		caught: []string{"list/live ones"},
	},
	{
		name: "List counts its way through pages",
		alter: listing(func(n *node, ctx context.Context, yield func(driver.Entry, error) bool) {
			for offset := 0; ; offset += 20 {
				all := n.all()
				keys := slices.Sorted(maps.Keys(all))
				if offset >= len(keys) {
					return
				}
				for _, key := range keys[offset:min(offset+20, len(keys))] {
					rec := all[key]
					if rec.Data = nil; !yield(driver.Entry{Key: key, Record: rec}, nil) {
						return
					}
				}
				time.Sleep(time.Millisecond)
			}
		}),
		caught: []string{"list/beside writers"},
	},
	{
		name: "List goes on",
		alter: listing(func(n *node, ctx context.Context, yield func(driver.Entry, error) bool) {
			for key, rec := range n.all() {
				rec.Data = nil
				yield(driver.Entry{Key: key, Record: rec}, nil)
			}
		}),
		caught: []string{"list/stops"},
	},
	{
		name: "List goes on after an error",
		alter: listing(func(n *node, ctx context.Context, yield func(driver.Entry, error) bool) {
			if ctx.Err() != nil && !yield(driver.Entry{}, ctx.Err()) {
				return
			}
			n.List(context.Background())(yield)
		}),
		caught: []string{"list/cancelled"},
	},
	{
		name: "Sweep removes everything",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, sweep: func(ctx context.Context, expired func(key, user string)) (int, error) {
				return n.remove(func(place, driver.Record) bool { return true }), nil
			}}
		},
		caught: []string{"sweep/expired ones", "sweep/extended ones", "sweep/cancelled"},
	},
	{
		name: "Sweep goes by age",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, sweep: func(ctx context.Context, expired func(key, user string)) (int, error) {
				return n.remove(func(_ place, rec driver.Record) bool { return time.Since(rec.Created) > 10*time.Millisecond }), nil
			}}
		},
		caught: []string{"sweep/expired ones", "sweep/extended ones"},
	},
	{
		name: "Sweep does not count",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, sweep: func(ctx context.Context, expired func(key, user string)) (int, error) {
				n.Sweep(ctx, expired)
				return 0, nil
			}}
		},
		caught: []string{"sweep/expired ones"},
	},
	{
		name: "Sweep lets nobody write while it tells",
		alter: func(n *node) driver.Backend {
			writer := make(chan struct{}, 1)
			return &altered{
				node: n,
				save: func(ctx context.Context, key string, rec *driver.Record) error {
					writer <- struct{}{}
					defer func() { <-writer }()
					return n.Save(ctx, key, rec)
				},
				sweep: func(ctx context.Context, expired func(key, user string)) (int, error) {
					writer <- struct{}{}
					defer func() { <-writer }()
					return n.Sweep(ctx, expired)
				},
			}
		},
		caught: []string{"sweep/expired ones"},
	},
	{
		name: "Sweep tells nobody",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, sweep: func(ctx context.Context, _ func(key, user string)) (int, error) {
				return n.Sweep(ctx, nil)
			}}
		},
		caught: []string{"sweep/expired ones"},
	},
	{
		name: "Sweep forgets whose they were",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, sweep: func(ctx context.Context, expired func(key, user string)) (int, error) {
				if expired == nil {
					return n.Sweep(ctx, nil)
				}
				return n.Sweep(ctx, func(key, _ string) { expired(key, "") })
			}}
		},
		caught: []string{"sweep/expired ones"},
	},
	{
		name: "Sweep needs somebody to tell",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, sweep: func(ctx context.Context, expired func(key, user string)) (int, error) {
				if expired == nil {
					return 0, nil
				}
				return n.Sweep(ctx, expired)
			}}
		},
		caught: []string{"sweep/expired ones"},
	},
	{
		name: "Sweep removes nothing",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, sweep: func(ctx context.Context, expired func(key, user string)) (int, error) { return 0, nil }}
		},
		caught: []string{"sweep/expired ones"},
	},
	{
		name: "Clear removes one page",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, clear: func(ctx context.Context) error {
				removed := 0
				n.remove(func(at place, _ driver.Record) bool {
					removed++
					return at.namespace == n.namespace && removed <= 250
				})
				return nil
			}}
		},
		caught: []string{"clear/all"},
	},
	{
		name: "Clear removes all namespaces",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, clear: func(ctx context.Context) error {
				n.remove(func(place, driver.Record) bool { return true })
				return nil
			}}
		},
		caught: []string{"clear/own namespace"},
	},
	{
		name: "Ping fails",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, ping: func(context.Context) error { return errors.New("no answer") }}
		},
		caught: []string{"ping"},
	},
}

// listing returns how to alter a node so that its List is f.
func listing(f func(n *node, ctx context.Context, yield func(driver.Entry, error) bool)) func(n *node) driver.Backend {
	return func(n *node) driver.Backend {
		return &altered{node: n, list: func(ctx context.Context) iter.Seq2[driver.Entry, error] {
			return func(yield func(driver.Entry, error) bool) { f(n, ctx, yield) }
		}}
	}
}
