package sessiontest

import (
	"context"
	"iter"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

var brokenAlias = []breakage{
	{
		name: "ListAlias goes by the beginning of the name",
		alter: listingAlias(func(n *node, alias string, yield func(driver.Entry, error) bool) {
			n.listWhere(func(_ string, rec driver.Record) bool { return strings.HasPrefix(rec.Alias, alias) }, yield)
		}),
		caught: []string{"alias/live ones"},
	},
	{
		name: "ListAlias takes large letters for small ones",
		alter: listingAlias(func(n *node, alias string, yield func(driver.Entry, error) bool) {
			n.listWhere(func(_ string, rec driver.Record) bool { return strings.EqualFold(rec.Alias, alias) }, yield)
		}),
		caught: []string{"alias/live ones"},
	},
	{
		name: "ListAlias ignores spaces at the end",
		alter: listingAlias(func(n *node, alias string, yield func(driver.Entry, error) bool) {
			n.listWhere(func(_ string, rec driver.Record) bool { return strings.TrimRight(rec.Alias, " ") == alias }, yield)
		}),
		caught: []string{"alias/live ones"},
	},
	{
		name: "ListAlias takes users for aliases",
		alter: listingAlias(func(n *node, alias string, yield func(driver.Entry, error) bool) {
			n.listWhere(func(_ string, rec driver.Record) bool { return rec.Alias == alias || rec.User == alias }, yield)
		}),
		caught: []string{"alias/live ones"},
	},
	{
		name: "ListAlias yields one page",
		alter: listingAlias(func(n *node, alias string, yield func(driver.Entry, error) bool) {
			yielded := 0
			for entry, err := range n.ListAlias(context.Background(), alias) {
				if yielded++; yielded > 100 || !yield(entry, err) {
					return
				}
			}
		}),
		caught: []string{"alias/live ones"},
	},
	{
		name: "ListAlias yields twice",
		alter: listingAlias(func(n *node, alias string, yield func(driver.Entry, error) bool) {
			n.ListAlias(context.Background(), alias)(yield)
			n.ListAlias(context.Background(), alias)(yield)
		}),
		caught:  []string{"alias/live ones"},
		related: []string{"S12"},
	},
	{
		name: "ListAlias yields the expired",
		alter: listingAlias(func(n *node, alias string, yield func(driver.Entry, error) bool) {
			n.listAnywhere(func(at place, rec driver.Record) bool { return at.namespace == n.namespace && rec.Alias == alias }, yield)
		}),
		caught: []string{"alias/live ones"},
	},
	{
		name: "ListAlias yields all namespaces",
		alter: listingAlias(func(n *node, alias string, yield func(driver.Entry, error) bool) {
			n.listAnywhere(func(_ place, rec driver.Record) bool { return rec.Live(time.Now()) && rec.Alias == alias }, yield)
		}),
		caught: []string{"alias/own namespace"},
	},
	{
		name: "ListAlias yields data",
		alter: listingAlias(func(n *node, alias string, yield func(driver.Entry, error) bool) {
			for key, rec := range n.all() {
				if rec.Alias == alias && !yield(driver.Entry{Key: key, Record: rec}, nil) {
					return
				}
			}
		}),
		caught: []string{"alias/live ones"},
	},
	{
		name: "ListAlias yields keys alone",
		alter: listingAlias(func(n *node, alias string, yield func(driver.Entry, error) bool) {
			for entry := range n.ListAlias(context.Background(), alias) {
				if !yield(driver.Entry{Key: entry.Key}, nil) {
					return
				}
			}
		}),
		caught: []string{"alias/live ones"},
	},
	{
		name:   "the index knows the alias that a record was created with",
		alter:  indexed(func(i *index) { i.aliases = true }),
		caught: []string{"alias/comes and goes"},
	},
	{
		name:   "the index keeps an alias that a save takes away, and nobody verifies it",
		alter:  indexed(func(i *index) { i.aliases, i.saves, i.unverified = true, true, true }),
		caught: []string{"alias/comes and goes"},
	},
	{
		name:   "the index of aliases does not hear of Rename",
		alter:  indexed(func(i *index) { i.aliases, i.saves, i.deafToRename = true, true, true }),
		caught: []string{"alias/comes and goes"},
	},
	{
		name:   "the index of aliases forgets a record at its first deadline",
		alter:  indexed(func(i *index) { i.aliases, i.saves, i.forgets = true, true, true }),
		caught: []string{"alias/outlives its first deadline"},
	},
	{
		name:   "the index of aliases outlives Clear, and nobody verifies it",
		alter:  indexed(func(i *index) { i.aliases, i.saves, i.ghosts = true, true, true }),
		caught: []string{"alias/own namespace"},
		// A ghost is also what was deleted, renamed or marked.
		related: []string{"AliasLister", "Marker"},
	},
	{
		name: "who gets another user loses his alias",
		alter: func(n *node) driver.Backend {
			var mu sync.Mutex
			lost := make(map[string]bool)
			return &altered{
				node: n,
				save: func(ctx context.Context, key string, rec *driver.Record) error {
					var before driver.Record
					_ = n.Load(ctx, key, &before)
					err := n.Save(ctx, key, rec)
					if err == nil {
						mu.Lock()
						defer mu.Unlock()
						lost[key] = before.Alias == rec.Alias && before.User != rec.User
					}
					return err
				},
				listAlias: func(_ context.Context, alias string) iter.Seq2[driver.Entry, error] {
					return func(yield func(driver.Entry, error) bool) {
						n.listWhere(func(key string, rec driver.Record) bool {
							mu.Lock()
							defer mu.Unlock()
							return rec.Alias == alias && !lost[key]
						}, yield)
					}
				},
			}
		},
		caught: []string{"alias/comes and goes"},
	},
}

// listAnywhere yields the records of all namespaces, live or not, for which ok holds.
func (n *node) listAnywhere(ok func(at place, rec driver.Record) bool, yield func(driver.Entry, error) bool) {
	n.mu.Lock()
	all := maps.Clone(n.records)
	n.mu.Unlock()
	for at, rec := range all {
		rec.Data = nil
		if ok(at, rec) && !yield(driver.Entry{Key: at.key, Record: rec}, nil) {
			return
		}
	}
}

// listingAlias returns how to alter a node so that f stands in for ListAlias.
func listingAlias(f func(n *node, alias string, yield func(driver.Entry, error) bool)) func(n *node) driver.Backend {
	return func(n *node) driver.Backend {
		return &altered{node: n, listAlias: func(_ context.Context, alias string) iter.Seq2[driver.Entry, error] {
			return func(yield func(driver.Entry, error) bool) { f(n, alias, yield) }
		}}
	}
}
