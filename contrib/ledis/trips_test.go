package ledis_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// TestTrips counts the round trips of the backend's calls.
func TestTrips(t *testing.T) {
	proxy := servertest.NewProxy(t, newLocal(t, "").addr)
	b, ctx, first := node(t, at(proxy.Addr), ""), t.Context(), true
	check := func(name string, trips int, do func() error) {
		t.Helper()
		proxy.ResetTrips()
		must(t, do())
		if got := proxy.Trips(); got != trips && !first { // the server does not know the scripts yet
			t.Errorf("%s: %d trips, want %d", name, got, trips)
		}
	}
	for range 2 {
		rec := newRecord("ann")
		rec.Alias = "alias"
		check("Reserve", 1, func() error {
			_, err := b.Reserve(ctx, "ann", key(1), rec.Expires, 3, true)
			return err
		})
		check("Create", 1, func() error { return b.Create(ctx, key(1), rec) })
		check("Load", 1, func() error { return b.Load(ctx, key(1), new(driver.Record)) })
		check("Save", 1, func() error { return b.Save(ctx, key(1), rec) })
		rec.User = "bob"
		check("Save of another user", 1, func() error { return b.Save(ctx, key(1), rec) })
		check("Touch", 1, func() error { return b.Touch(ctx, key(1), rec.Expires.Add(2*time.Hour)) })
		check("Rename with a mark", 1, func() error {
			return b.Rename(ctx, key(1), rec.Version, key(2), rec, driver.Mark{Kind: 1, Expires: time.Now().Add(time.Second)})
		})
		check("Load of a mark", 1, func() error {
			if err := b.Load(ctx, key(1), new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
				return err
			}
			return nil
		})
		check("Reserve that makes room", 1, func() error {
			evicted, err := b.Reserve(ctx, "bob", key(3), rec.Expires, 1, true)
			if len(evicted) != 1 {
				t.Errorf("evicted %q", evicted)
			}
			return err
		})
		check("Delete", 1, func() error { return b.Delete(ctx, key(2), 0) })
		for i := range 40 {
			must(t, b.Create(ctx, key(10+i), newRecord("ann")))
		}
		check("List", 2, func() error {
			_, err := b.Count(ctx)
			return err
		})
		check("ListUser", 2, func() (err error) {
			for _, e := range b.ListUser(ctx, "ann") {
				err = errors.Join(err, e)
			}
			return err
		})
		check("Clear", 2, func() error { return b.Clear(ctx) })
		first = false
	}
}
