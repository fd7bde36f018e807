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
	return c.create(ctx, key, newEntry(rec, 1))
}

// CreateVersion implements [merge.Keeper].
func (c *capped) CreateVersion(key string, v *merge.Version, expires int64) error {
	return c.create(context.Background(), key, &entry{v, expires})
}

func (c *capped) create(ctx context.Context, key string, e *entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.place[key] == nil && len(c.place) >= c.limit {
		idlest := c.order.Back().Value.(string)
		if err := c.store.Delete(ctx, idlest, 0); err != nil {
			return err
		}
		c.forget(idlest)
	}
	key = strings.Clone(key) // for the store and the list alike
	err := c.store.create(key, e)
	if err == nil && c.place[key] == nil {
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
func (c *capped) SwapVersion(key string, base, next *merge.Version, expires int64, shorten bool) (*merge.Version, int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	other, otherExpires, err := c.store.SwapVersion(key, base, next, expires, shorten)
	if other == nil {
		err = c.used(key, err)
	}
	return other, otherExpires, err
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
	_ context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	newKey = strings.Clone(newKey)
	if err := c.store.rename(oldKey, oldVersion, newKey, rec, mark); err != nil {
		return err
	}
	c.forget(oldKey)
	if c.place[newKey] == nil { // otherwise an expired record was there
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
	return c.store.sweep(ctx, expired, func(sh *shard, batch []dying) []dying {
		c.mu.Lock()
		defer c.mu.Unlock()
		removed := c.removeExpired(sh, batch)
		for _, d := range removed {
			c.forget(d.key)
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
