package sessiontest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

var brokenUser = []breakage{
	{
		name: "ListUser goes by the beginning of the name",
		alter: listingUser(func(n *node, user string, yield func(driver.Entry, error) bool) {
			n.listWhere(func(_ string, rec driver.Record) bool { return strings.HasPrefix(rec.User, user) }, yield)
		}),
		caught: []string{"user/live ones"},
	},
	{
		name: "ListUser takes large letters for small ones",
		alter: listingUser(func(n *node, user string, yield func(driver.Entry, error) bool) {
			n.listWhere(func(_ string, rec driver.Record) bool { return strings.EqualFold(rec.User, user) }, yield)
		}),
		caught: []string{"user/live ones"},
	},
	{
		name: "ListUser yields the expired",
		alter: listingUser(func(n *node, user string, yield func(driver.Entry, error) bool) {
			n.mu.Lock()
			all := maps.Clone(n.records)
			n.mu.Unlock()
			for at, rec := range all {
				rec.Data = nil
				if at.namespace == n.namespace && rec.User == user && !yield(driver.Entry{Key: at.key, Record: rec}, nil) {
					return
				}
			}
		}),
		caught:  []string{"user/live ones"},
		related: []string{"UserLimiter"},
	},
	{
		name: "ListUser yields all namespaces",
		alter: listingUser(func(n *node, user string, yield func(driver.Entry, error) bool) {
			n.mu.Lock()
			all := maps.Clone(n.records)
			n.mu.Unlock()
			for at, rec := range all {
				rec.Data = nil
				if rec.Live(time.Now()) && rec.User == user && !yield(driver.Entry{Key: at.key, Record: rec}, nil) {
					return
				}
			}
		}),
		caught: []string{"user/own namespace"},
	},
	{
		name: "ListUser leaves out metadata",
		alter: listingUser(func(n *node, user string, yield func(driver.Entry, error) bool) {
			for entry, err := range n.ListUser(context.Background(), user) {
				if entry.Meta = nil; !yield(entry, err) {
					return
				}
			}
		}),
		caught: []string{"user/live ones"},
	},
	{
		name: "ListUser leaves out the alias",
		alter: listingUser(func(n *node, user string, yield func(driver.Entry, error) bool) {
			for entry, err := range n.ListUser(context.Background(), user) {
				if entry.Alias = ""; !yield(entry, err) {
					return
				}
			}
		}),
		caught: []string{"user/live ones"},
	},
	{
		name: "ListUser asks for the keys once, and passes over what is there no longer",
		alter: listingUser(func(n *node, user string, yield func(driver.Entry, error) bool) {
			var keys []string
			n.listWhere(func(key string, rec driver.Record) bool { return rec.User == user }, func(e driver.Entry, _ error) bool {
				keys = append(keys, e.Key)
				return true
			})
			for _, key := range keys {
				entry := driver.Entry{Key: key}
				if n.Load(context.Background(), key, &entry.Record) != nil {
					continue
				}
				if entry.Data = nil; !yield(entry, nil) {
					return
				}
			}
		}),
		caught: []string{"user/renamed meanwhile"},
	},
	{
		name:    "the index knows whose a record was when it was created",
		alter:   indexed(func(*index) {}),
		caught:  []string{"user/comes and goes"},
		related: []string{"UserLister"},
	},
	{
		name:   "the index keeps what a save takes away, and nobody verifies it",
		alter:  indexed(func(i *index) { i.saves, i.unverified = true, true }),
		caught: []string{"user/comes and goes"},
	},
	{
		name:    "the index does not hear of Rename",
		alter:   indexed(func(i *index) { i.saves, i.deafToRename = true, true }),
		caught:  []string{"user/renamed"},
		related: []string{"S7"},
	},
	{
		name:   "the index forgets a record at its first deadline",
		alter:  indexed(func(i *index) { i.saves, i.forgets = true, true }),
		caught: []string{"user/outlives its first deadline"},
	},
	{
		name:   "the index outlives Clear, and nobody verifies it",
		alter:  indexed(func(i *index) { i.saves, i.ghosts = true, true }),
		caught: []string{"user/clear"},
		// A ghost is also what was deleted or marked.
		related: []string{"Marker", "UserLister", "UserLimiter", "S7", "S12"},
	},
}

// listWhere yields the live records of the namespace for which ok holds.
func (n *node) listWhere(ok func(key string, rec driver.Record) bool, yield func(driver.Entry, error) bool) {
	for key, rec := range n.all() {
		rec.Data = nil
		if ok(key, rec) && !yield(driver.Entry{Key: key, Record: rec}, nil) {
			return
		}
	}
}

// listingUser returns how to alter a node so that f stands in for ListUser.
func listingUser(f func(n *node, user string, yield func(driver.Entry, error) bool)) func(n *node) driver.Backend {
	return func(n *node) driver.Backend {
		return &altered{node: n, listUser: func(_ context.Context, user string) iter.Seq2[driver.Entry, error] {
			return func(yield func(driver.Entry, error) bool) { f(n, user, yield) }
		}}
	}
}

// An index finds the records of a user, or of an alias, by what it was told, as an engine's does that has no other way. The
// nodes of a world share it.
type index struct {
	mu    sync.Mutex
	names map[place]map[string]time.Time // what was told of each key, and when it expires

	aliases      bool // it is of aliases
	saves        bool // it hears of saves
	deafToRename bool
	forgets      bool // what has expired by what it was told, with no touch or save in between
	unverified   bool // the list has a live record whatever its name is now
	ghosts       bool // the list has what is no longer there
}

// name is what the index is of.
func (i *index) name(rec *driver.Record) string {
	if i.aliases {
		return rec.Alias
	}
	return rec.User
}

func (i *index) tell(at place, rec *driver.Record) {
	name := i.name(rec)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.names[at] == nil {
		i.names[at] = make(map[string]time.Time)
	}
	if _, known := i.names[at][name]; !known {
		i.names[at][name] = rec.Expires
	}
}

func (i *index) has(at place, name string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	expires, ok := i.names[at][name]
	return ok && !(i.forgets && time.Now().After(expires))
}

// ghostsOf returns the keys of a namespace that the index has for name.
func (i *index) ghostsOf(namespace, name string) (keys []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for at, names := range i.names {
		if _, ok := names[name]; ok && at.namespace == namespace {
			keys = append(keys, at.key)
		}
	}
	return keys
}

// indexed returns how to alter a node so that ListUser, or ListAlias, goes by an index that is as set says.
func indexed(set func(*index)) func(n *node) driver.Backend {
	return func(n *node) driver.Backend {
		fresh := &index{names: make(map[place]map[string]time.Time)}
		set(fresh)
		n.mu.Lock()
		if n.index == nil {
			n.index = fresh
		}
		i := n.index
		n.mu.Unlock()
		at := func(key string) place { return place{n.namespace, key} }
		a := &altered{
			node: n,
			create: func(ctx context.Context, key string, rec *driver.Record) error {
				i.tell(at(key), rec)
				return n.Create(ctx, key, rec)
			},
			save: func(ctx context.Context, key string, rec *driver.Record) error {
				if i.saves {
					i.tell(at(key), rec)
				}
				return n.Save(ctx, key, rec)
			},
			rename: func(ctx context.Context, c renameCall) error {
				if !i.deafToRename {
					i.tell(at(c.newKey), c.rec)
				}
				return c.on(ctx, n)
			},
		}
		list := func(_ context.Context, name string) iter.Seq2[driver.Entry, error] {
			return func(yield func(driver.Entry, error) bool) {
				n.listWhere(func(key string, rec driver.Record) bool {
					return i.has(at(key), name) && (i.name(&rec) == name || i.unverified)
				}, yield)
				if !i.ghosts {
					return
				}
				for _, key := range i.ghostsOf(n.namespace, name) {
					if errors.Is(n.Load(context.Background(), key, new(driver.Record)), session.ErrNotFound) &&
						!yield(driver.Entry{Key: key}, nil) {
						return
					}
				}
			}
		}
		if i.aliases {
			a.listAlias = list
		} else {
			a.listUser = list
		}
		return a
	}
}
