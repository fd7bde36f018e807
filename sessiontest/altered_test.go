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
	key      func(key string) string // what becomes of a key
	create   func(ctx context.Context, key string, rec *driver.Record) error
	load     func(ctx context.Context, key string, rec *driver.Record) error
	save     func(ctx context.Context, key string, rec *driver.Record) error
	touch    func(ctx context.Context, key string, expires time.Time) error
	delete   func(ctx context.Context, key string, version uint64) error
	rename   func(ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record) error
	watch    func(ctx context.Context, resync func(), destroyed func(key string)) error
	count    func(ctx context.Context) (int, error)
	list     func(ctx context.Context) iter.Seq2[driver.Entry, error]
	sweep    func(ctx context.Context, expired func(key, user string)) (int, error)
	listUser func(ctx context.Context, user string) iter.Seq2[driver.Entry, error]
	reserve  func(ctx context.Context, user, key string, until time.Time, limit int, evict bool) ([]string, error)
	clear    func(ctx context.Context) error
	ping     func(ctx context.Context) error
	close    func() error
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

func (a *altered) Rename(ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record) error {
	if a.rename != nil {
		return a.rename(ctx, a.mapped(oldKey), oldVersion, a.mapped(newKey), rec)
	}
	return a.node.Rename(ctx, a.mapped(oldKey), oldVersion, a.mapped(newKey), rec)
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
