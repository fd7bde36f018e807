package sessiontest

import (
	"context"
	"iter"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// altered is a node with some of its methods replaced.
type altered struct {
	*node
	key       func(key string) string // what becomes of a key
	create    func(ctx context.Context, key string, rec *driver.Record) error
	load      func(ctx context.Context, key string, rec *driver.Record) error
	save      func(ctx context.Context, key string, rec *driver.Record) error
	touch     func(ctx context.Context, key string, expires time.Time) error
	delete    func(ctx context.Context, key string, version uint64) error
	rename    func(ctx context.Context, c renameCall) error
	mark      func(ctx context.Context, c markCall) error
	watch     func(ctx context.Context, resync func(), destroyed func(key string)) error
	count     func(ctx context.Context) (int, error)
	list      func(ctx context.Context) iter.Seq2[driver.Entry, error]
	sweep     func(ctx context.Context, expired func(key, user string)) (int, error)
	listUser  func(ctx context.Context, user string) iter.Seq2[driver.Entry, error]
	listAlias func(ctx context.Context, alias string) iter.Seq2[driver.Entry, error]
	reserve   func(ctx context.Context, user, key string, until time.Time, limit int, evict bool) ([]string, error)
	clear     func(ctx context.Context) error
	ping      func(ctx context.Context) error
	close     func() error
}

func (a *altered) mapped(key string) string {
	if a.key != nil {
		return a.key(key)
	}
	return key
}

func (a *altered) Create(ctx context.Context, key string, rec *driver.Record) error {
	if a.create != nil {
		return a.create(ctx, a.mapped(key), rec)
	}
	return a.node.Create(ctx, a.mapped(key), rec)
}

func (a *altered) Load(ctx context.Context, key string, rec *driver.Record) error {
	if a.load != nil {
		return a.load(ctx, a.mapped(key), rec)
	}
	return a.node.Load(ctx, a.mapped(key), rec)
}

func (a *altered) Save(ctx context.Context, key string, rec *driver.Record) error {
	if a.save != nil {
		return a.save(ctx, a.mapped(key), rec)
	}
	return a.node.Save(ctx, a.mapped(key), rec)
}

func (a *altered) Touch(ctx context.Context, key string, expires time.Time) error {
	if a.touch != nil {
		return a.touch(ctx, a.mapped(key), expires)
	}
	return a.node.Touch(ctx, a.mapped(key), expires)
}

func (a *altered) Delete(ctx context.Context, key string, version uint64) error {
	if a.delete != nil {
		return a.delete(ctx, a.mapped(key), version)
	}
	return a.node.Delete(ctx, a.mapped(key), version)
}

// A renameCall is a call of Rename.
type renameCall struct {
	oldKey     string
	oldVersion uint64
	newKey     string
	rec        *driver.Record
	mark       driver.Mark
}

func (c renameCall) on(ctx context.Context, n *node) error {
	return n.Rename(ctx, c.oldKey, c.oldVersion, c.newKey, c.rec, c.mark)
}

// renaming returns how to alter a node so that f stands in for Rename.
func renaming(f func(n *node, ctx context.Context, c renameCall) error) func(n *node) driver.Backend {
	return func(n *node) driver.Backend {
		return &altered{node: n, rename: func(ctx context.Context, c renameCall) error { return f(n, ctx, c) }}
	}
}

func (a *altered) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	c := renameCall{a.mapped(oldKey), oldVersion, a.mapped(newKey), rec, mark}
	if a.rename != nil {
		return a.rename(ctx, c)
	}
	return c.on(ctx, a.node)
}

// A markCall is a call of Mark.
type markCall struct {
	key     string
	version uint64
	mark    driver.Mark
}

func (c markCall) on(ctx context.Context, n *node) error {
	return n.Mark(ctx, c.key, c.version, c.mark)
}

// marking returns how to alter a node so that f stands in for Mark.
func marking(f func(n *node, ctx context.Context, c markCall) error) func(n *node) driver.Backend {
	return func(n *node) driver.Backend {
		return &altered{node: n, mark: func(ctx context.Context, c markCall) error { return f(n, ctx, c) }}
	}
}

func (a *altered) Mark(ctx context.Context, key string, version uint64, mark driver.Mark) error {
	c := markCall{a.mapped(key), version, mark}
	if a.mark != nil {
		return a.mark(ctx, c)
	}
	return c.on(ctx, a.node)
}

func (a *altered) Count(ctx context.Context) (int, error) {
	if a.count != nil {
		return a.count(ctx)
	}
	return a.node.Count(ctx)
}

func (a *altered) List(ctx context.Context) iter.Seq2[driver.Entry, error] {
	if a.list != nil {
		return a.list(ctx)
	}
	return a.node.List(ctx)
}

func (a *altered) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	if a.listUser != nil {
		return a.listUser(ctx, user)
	}
	return a.node.ListUser(ctx, user)
}

func (a *altered) ListAlias(ctx context.Context, alias string) iter.Seq2[driver.Entry, error] {
	if a.listAlias != nil {
		return a.listAlias(ctx, alias)
	}
	return a.node.ListAlias(ctx, alias)
}

func (a *altered) Reserve(ctx context.Context, user, key string, until time.Time, limit int, evict bool) ([]string, error) {
	if a.reserve != nil {
		return a.reserve(ctx, user, key, until, limit, evict)
	}
	return a.node.Reserve(ctx, user, key, until, limit, evict)
}

func (a *altered) Watch(ctx context.Context, resync func(), destroyed func(key string)) error {
	if a.watch != nil {
		return a.watch(ctx, resync, destroyed)
	}
	return a.node.Watch(ctx, resync, destroyed)
}

func (a *altered) Sweep(ctx context.Context, expired func(key, user string)) (int, error) {
	if a.sweep != nil {
		return a.sweep(ctx, expired)
	}
	return a.node.Sweep(ctx, expired)
}

func (a *altered) Clear(ctx context.Context) error {
	if a.clear != nil {
		return a.clear(ctx)
	}
	return a.node.Clear(ctx)
}

func (a *altered) Ping(ctx context.Context) error {
	if a.ping != nil {
		return a.ping(ctx)
	}
	return a.node.Ping(ctx)
}

func (a *altered) Close() error {
	if a.close != nil {
		return a.close()
	}
	return a.node.Close()
}
