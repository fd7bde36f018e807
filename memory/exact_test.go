package memory

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Whatever happens at once, there are never more records than the limit, and the list knows all of them.
func TestCapIsExact(t *testing.T) {
	const limit, workers = 100, 8
	c := newCapped(limit)
	check := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		stored := 0
		for i := range c.shards {
			sh := &c.shards[i]
			sh.mu.Lock()
			stored += sh.count
			sh.mu.Unlock()
		}
		if stored > limit || len(c.place) != stored || c.order.Len() != stored {
			t.Errorf("%d records, %d of them with a place, %d in order; the limit is %d",
				stored, len(c.place), c.order.Len(), limit)
		}
	}
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := range 500 {
				key := fmt.Sprint(worker, i)
				rec := &driver.Record{Expires: time.Now().Add(time.Duration(i%3) * time.Hour)}
				if err := c.Create(t.Context(), key, rec); err != nil {
					t.Errorf("Create: %v", err)
				}
				if err := c.Save(t.Context(), key, rec); err != nil && !errors.Is(err, session.ErrNotFound) {
					t.Errorf("Save: %v", err)
				}
				switch i % 20 {
				case 0:
					c.Sweep(t.Context(), nil)
				case 5:
					c.Delete(t.Context(), key, 0)
				case 10:
					c.Clear(t.Context())
				case 15:
					err := c.Rename(t.Context(), key, rec.Version, key+" renamed", rec, driver.Mark{})
					if err != nil && !errors.Is(err, session.ErrNotFound) {
						t.Errorf("Rename: %v", err)
					}
				}
				check()
			}
			for i := range limit {
				c.Create(t.Context(), fmt.Sprint("last", worker, i), &driver.Record{Expires: time.Now().Add(time.Hour)})
			}
		})
	}
	wg.Wait()
	check()
	if n, err := c.Count(t.Context()); err != nil || n != limit {
		t.Errorf("Count = %d, %v; want %d", n, err, limit)
	}
}
