package sessiontest

import (
	"context"
	"iter"
	"maps"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// What takes marks for sessions.
var brokenMarkLists = []breakage{
	{
		name: "Count counts marks",
		alter: haunted(func(a *altered, ghosts func() map[string]driver.Record) {
			a.count = func(ctx context.Context) (int, error) {
				count, err := a.node.Count(ctx)
				return count + len(ghosts()), err
			}
		}),
		caught: []string{"mark/not listed"},
	},
	{
		name: "List yields marks",
		alter: haunted(func(a *altered, ghosts func() map[string]driver.Record) {
			a.list = func(ctx context.Context) iter.Seq2[driver.Entry, error] {
				return withMarks(a.node.List(ctx), ghosts(), func(driver.Record) bool { return true })
			}
		}),
		caught: []string{"mark/not listed"},
	},
	{
		name: "ListUser yields marks",
		alter: haunted(func(a *altered, ghosts func() map[string]driver.Record) {
			a.listUser = func(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
				return withMarks(a.node.ListUser(ctx, user), ghosts(), func(rec driver.Record) bool { return rec.User == user })
			}
		}),
		caught: []string{"mark/not listed"},
	},
	{
		name: "ListAlias yields marks",
		alter: haunted(func(a *altered, ghosts func() map[string]driver.Record) {
			a.listAlias = func(ctx context.Context, alias string) iter.Seq2[driver.Entry, error] {
				return withMarks(a.node.ListAlias(ctx, alias), ghosts(), func(rec driver.Record) bool { return rec.Alias == alias })
			}
		}),
		caught: []string{"mark/not listed"},
	},
	{
		name: "Reserve counts marks",
		alter: haunted(func(a *altered, ghosts func() map[string]driver.Record) {
			a.reserve = func(ctx context.Context, user, key string, until time.Time, limit int, evict bool) ([]string, error) {
				for _, rec := range ghosts() {
					if rec.User == user {
						limit--
					}
				}
				return a.node.Reserve(ctx, user, key, until, limit, evict)
			}
		}),
		caught: []string{"mark/not listed"},
	},
}

// How marks end.
var brokenMarkEnds = []breakage{
	{
		name: "Load does not look at a mark's time",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, load: func(ctx context.Context, key string, rec *driver.Record) error {
				err := n.Load(ctx, key, rec)
				n.mu.Lock()
				defer n.mu.Unlock()
				if mark, ok := n.marks[place{n.namespace, key}]; ok && err != nil {
					return &driver.MarkedError{Mark: mark}
				}
				return err
			}}
		},
		caught: []string{"mark/expires"},
	},
	{
		name: "Create does not take the key of an expired mark",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, create: func(ctx context.Context, key string, rec *driver.Record) error {
				if n.hasMark(key) {
					return session.ErrExists
				}
				return n.Create(ctx, key, rec)
			}}
		},
		caught: []string{"mark/expires"},
	},
	{
		name: "Mark does not take the key of an expired mark",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			if n.hasMark(c.key) && c.version == 0 {
				return session.ErrExists
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/expires"},
	},
	{
		name: "Rename does not take the key of an expired mark",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			if n.hasMark(c.newKey) {
				return session.ErrExists
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/expires"},
	},
	{
		name: "a mark lasts as long as its record",
		alter: marking(func(n *node, ctx context.Context, c markCall) error {
			n.mu.Lock()
			rec, ok := n.stored(c.key)
			n.mu.Unlock()
			if ok {
				c.mark.Expires = rec.Expires
			}
			return c.on(ctx, n)
		}),
		caught:  []string{"mark/expires", "mark/in place of a record"},
		related: []string{"S4", "S7"},
	},
	{
		name: "Sweep removes all marks",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, sweep: func(ctx context.Context, expired func(key, user string)) (int, error) {
				n.unmark(func(place, driver.Mark) bool { return true })
				return n.Sweep(ctx, expired)
			}}
		},
		caught: []string{"mark/swept"},
	},
	{
		name: "Sweep counts marks",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, sweep: func(ctx context.Context, expired func(key, user string)) (int, error) {
				marks := n.lapsed()
				removed, err := n.Sweep(ctx, expired)
				return removed + len(marks), err
			}}
		},
		caught: []string{"mark/swept"},
	},
	{
		name: "Sweep tells of marks",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, sweep: func(ctx context.Context, expired func(key, user string)) (int, error) {
				for _, key := range n.lapsed() {
					if expired != nil {
						expired(key, "")
					}
				}
				return n.Sweep(ctx, expired)
			}}
		},
		caught: []string{"mark/swept"},
	},
	{
		name: "Clear leaves marks",
		alter: func(n *node) driver.Backend {
			return &altered{node: n, clear: func(ctx context.Context) error {
				n.mu.Lock()
				marks := maps.Clone(n.marks)
				n.mu.Unlock()
				err := n.Clear(ctx)
				n.mu.Lock()
				defer n.mu.Unlock()
				n.marks = marks
				return err
			}}
		},
		caught: []string{"mark/cleared"},
	},
}

// What Rename does with marks.
var brokenMarkRename = []breakage{
	{
		name: "Rename leaves no mark",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			c.mark = driver.Mark{}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/left by a rename"},
	},
	{
		name: "Rename leaves a mark whatever it is given",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			if c.mark.Kind == 0 {
				c.mark = newMark("")
			}
			return c.on(ctx, n)
		}),
		caught: []string{"mark/left by a rename"},
	},
	{
		name: "Rename leaves its mark with an error, too",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			err := c.on(ctx, n)
			if err != nil && c.mark.Kind != 0 {
				n.mu.Lock()
				defer n.mu.Unlock()
				n.putMark(c.oldKey, c.mark)
			}
			return err
		}),
		caught:  []string{"mark/left by a rename"},
		related: []string{"S4"},
	},
	{
		name: "the index of users keeps what Rename has marked, and nobody verifies it",
		alter: func(n *node) driver.Backend {
			var mu sync.Mutex
			ghosts := make(map[string]driver.Record)
			return &altered{
				node: n,
				rename: func(ctx context.Context, c renameCall) error {
					var old driver.Record
					_ = n.Load(ctx, c.oldKey, &old)
					err := c.on(ctx, n)
					if err == nil && c.mark.Kind != 0 {
						mu.Lock()
						defer mu.Unlock()
						ghosts[c.oldKey] = old
					}
					return err
				},
				listUser: func(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
					mu.Lock()
					defer mu.Unlock()
					return withMarks(n.ListUser(ctx, user), maps.Clone(ghosts), func(rec driver.Record) bool { return rec.User == user })
				},
			}
		},
		caught: []string{"mark/left by a rename"},
	},
	{
		name: "Rename leaves its mark under the new key",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			mark := c.mark
			c.mark = driver.Mark{}
			err := c.on(ctx, n)
			if err == nil && mark.Kind != 0 {
				n.mu.Lock()
				defer n.mu.Unlock()
				n.putMark(c.newKey, mark)
			}
			return err
		}),
		caught: []string{"mark/left by a rename"},
	},
	{
		name: "Rename replaces a mark",
		alter: renaming(func(n *node, ctx context.Context, c renameCall) error {
			n.unmarkKey(c.newKey)
			return c.on(ctx, n)
		}),
		caught: []string{"mark/left by a rename"},
	},
}

// hasMark reports whether there is a mark under key, expired or not.
func (n *node) hasMark(key string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.marks[place{n.namespace, key}]
	return ok
}

// lapsed returns the keys of the marks that have expired.
func (n *node) lapsed() (keys []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for at, mark := range n.marks {
		if !time.Now().Before(mark.Expires) {
			keys = append(keys, at.key)
		}
	}
	return keys
}

// haunted returns how to alter a node as set does, given what was under the keys that have marks.
func haunted(set func(a *altered, ghosts func() map[string]driver.Record)) func(n *node) driver.Backend {
	return func(n *node) driver.Backend {
		ghosts := make(map[string]driver.Record)
		a := &altered{node: n, mark: func(ctx context.Context, c markCall) error {
			n.mu.Lock()
			rec, _ := n.stored(c.key)
			n.mu.Unlock()
			err := c.on(ctx, n)
			if err == nil {
				n.mu.Lock()
				defer n.mu.Unlock()
				ghosts[c.key] = rec
			}
			return err
		}}
		set(a, func() map[string]driver.Record {
			n.mu.Lock()
			defer n.mu.Unlock()
			return maps.Clone(ghosts)
		})
		return a
	}
}

// withMarks yields more after what seq yields.
func withMarks(
	seq iter.Seq2[driver.Entry, error], more map[string]driver.Record, ok func(driver.Record) bool,
) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		for entry, err := range seq {
			if !yield(entry, err) {
				return
			}
		}
		for key, rec := range more {
			rec.Data = nil
			if ok(rec) && !yield(driver.Entry{Key: key, Record: rec}, nil) {
				return
			}
		}
	}
}
