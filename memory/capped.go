package memory

import (
	"container/list"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// A capped store keeps a limited number of records, live or not. It admits one writer at a time, so that the limit is
// exact. Readers do not wait. mu is taken before the lock of a shard, never after it.
type capped struct {
	*store
	limit int

	mu    sync.Mutex
	order *list.List // keys, the least recently used last
	place map[string]*list.Element
}

func newCapped(limit int) *capped {
	return &capped{store: newStore(), limit: limit, order: list.New(), place: make(map[string]*list.Element)}
}

// Create implements [driver.Backend]. It makes room before it stores the record.
func (c *capped) Create(ctx context.Context, key string, rec *driver.Record) error {
	return c.create(key, func() error { return c.store.Create(ctx, key, rec) })
}

// CreateVersion implements [merge.Keeper].
func (c *capped) CreateVersion(key string, v merge.Version, expires int64) (stored *merge.Version, err error) {
	err = c.create(key, func() error {
		stored, err = c.store.CreateVersion(key, v, expires)
		return err
	})
	return stored, err
}

// create makes room, and then creates a session under key.
func (c *capped) create(key string, create func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.place[key] == nil && len(c.place) >= c.limit {
		idlest := c.order.Back().Value.(string)
		if err := c.store.Delete(context.Background(), idlest, 0); err != nil {
			return err
		}
		c.forget(idlest)
	}
	err := create()
	if err == nil && c.place[key] == nil {
		key = strings.Clone(key) // the caller's may be a part of something large
		c.place[key] = c.order.PushFront(key)
	}
	return c.used(key, err)
}

// Save implements [driver.Backend].
func (c *capped) Save(ctx context.Context, key string, rec *driver.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used(key, c.store.Save(ctx, key, rec))
}

// SwapVersion implements [merge.Keeper].
func (c *capped) SwapVersion(
	key string, at int64, base *merge.Version, next merge.Version, expires int64, shorten bool,
) (swapped bool, now *merge.Version, until int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if swapped, now, until, err = c.store.SwapVersion(key, at, base, next, expires, shorten); swapped {
		err = c.used(key, err)
	}
	return swapped, now, until, err
}

// Touch implements [driver.Backend].
func (c *capped) Touch(ctx context.Context, key string, expires time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used(key, c.store.Touch(ctx, key, expires))
}

// Delete implements [driver.Backend].
func (c *capped) Delete(ctx context.Context, key string, version uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.store.Delete(ctx, key, version)
	if err == nil { // also if a mark is there
		c.forget(key)
	}
	return err
}

// Rename implements [driver.Renamer]. It needs no additional room.
func (c *capped) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.store.Rename(ctx, oldKey, oldVersion, newKey, rec, mark); err != nil {
		return err
	}
	c.forget(oldKey)
	if c.place[newKey] == nil { // else an expired record was there
		newKey = strings.Clone(newKey)
		c.place[newKey] = c.order.PushFront(newKey)
	}
	return c.used(newKey, nil)
}

// Mark implements [driver.Marker]. Marks are not counted, because there are never many.
func (c *capped) Mark(ctx context.Context, key string, version uint64, mark driver.Mark) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.store.Mark(ctx, key, version, mark)
	if err == nil { // a record, live or expired, was there
		c.forget(key)
	}
	return err
}

// Reserve implements [driver.UserLimiter].
func (c *capped) Reserve(ctx context.Context, user, key string, until time.Time, limit int, evict bool) ([]string, error) {
	return c.reserve(ctx, user, key, until, limit, evict, c.Delete)
}

// Sweep implements [driver.Sweeper].
func (c *capped) Sweep(ctx context.Context, expired func(key, user string)) (int, error) {
	return c.store.sweep(ctx, expired, func(sh *shard, batch []found) []found {
		c.mu.Lock()
		defer c.mu.Unlock()
		removed := c.removeExpired(sh, batch)
		for _, n := range removed {
			c.forget(n.key())
		}
		return removed
	})
}

// Clear implements [driver.Clearer].
func (c *capped) Clear(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Init()
	c.place = make(map[string]*list.Element)
	return c.store.Clear(ctx)
}

// used records that the record under key was used, if err is nil, and returns err.
func (c *capped) used(key string, err error) error {
	if err == nil {
		c.order.MoveToFront(c.place[key])
	}
	return err
}

func (c *capped) forget(key string) {
	if at := c.place[key]; at != nil {
		c.order.Remove(at)
		delete(c.place, key)
	}
}
