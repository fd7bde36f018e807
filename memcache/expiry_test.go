package memcache_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/memcache"
)

const day = 24 * time.Hour

func TestExptime(t *testing.T) {
	now := time.Unix(1_800_000_000, 123e6)
	for _, tt := range []struct {
		after time.Duration
		want  int32
	}{
		{-time.Hour, -1},
		{0, -1},
		{1, 2},
		{time.Millisecond, 2},
		{time.Second, 2},
		{time.Second + 1, 3},
		{30*day - time.Second, 30 * 24 * 60 * 60},
		{30 * day, 1_800_000_000 + 30*24*60*60 + 3600},
		{365 * day, 1_800_000_000 + 365*24*60*60 + 3600},
		{time.Unix(math.MaxInt32, 0).Sub(now) - time.Hour, math.MaxInt32},
		{time.Unix(math.MaxInt32, 0).Sub(now), 0},
		{100 * 365 * day, 0},
		{math.MaxInt64 - time.Second, 0},
		{math.MaxInt64, 0},
	} {
		if got := memcache.Exptime(now.Add(tt.after), now, time.Second); got != tt.want {
			t.Errorf("after %v: %d, want %d", tt.after, got, tt.want)
		}
	}
}

// TestLongLives checks what memcached makes of lifetimes around the 30 days up to which it counts from now, and
// that it keeps a session for as long, by Create, Save and Touch.
func TestLongLives(t *testing.T) {
	addr := empty(t)
	b, c, ctx := newNode(t, driver.Config{Config: addr}), dial(t, addr), t.Context()
	for i, lifetime := range []time.Duration{
		time.Minute, 30*day - time.Minute, 30*day - time.Second, 30 * day, 30*day + time.Second, 60 * day, 3650 * day, 36500 * day,
	} {
		rec := newRecord()
		expires := rec.Created.Add(lifetime)
		for what, write := range map[string]func(key string) error{
			"create": func(key string) error { return b.Create(ctx, key, &driver.Record{Expires: expires}) },
			"save": func(key string) error {
				rec := newRecord()
				rec.Expires = rec.Created.Add(10 * time.Second)
				must(t, b.Create(ctx, key, rec))
				rec.Expires = expires
				return b.Save(ctx, key, rec)
			},
			"touch": func(key string) error {
				rec := newRecord()
				rec.Expires = rec.Created.Add(10 * time.Second)
				must(t, b.Create(ctx, key, rec))
				return b.Touch(ctx, key, expires)
			},
		} {
			key := key(100*i + len(what))
			must(t, write(key))
			var loaded driver.Record
			must(t, b.Load(ctx, key, &loaded))
			if !loaded.Expires.Equal(expires) {
				t.Errorf("%s, %v: expires %v, want %v", what, lifetime, loaded.Expires, expires)
			}
			left := time.Duration(c.left("session:"+key)) * time.Second
			if late := left - time.Until(expires); left >= 0 && (late < 0 || late > time.Hour+5*time.Second) {
				t.Errorf("%s: memcached keeps for %v what lives for %v", what, left, lifetime)
			}
			if left < 0 && lifetime < 3650*day {
				t.Errorf("%s: memcached keeps for ever what lives for %v", what, lifetime)
			}
		}
	}
}

// TestMachineStoodStill has sessions begin when memcached has stood still, and its clock with it.
func TestMachineStoodStill(t *testing.T) {
	s := servertest.StartMemcached(t, servertest.MemcachedOptions{})
	b := newNode(t, driver.Config{Config: `{"servers": ["` + s.Addr + `"], "timeout": "1m"}`})
	for n := range 2 {
		s.Pause(t)
		time.Sleep(4 * time.Second)
		time.AfterFunc(10*time.Millisecond, func() { s.Resume(t) })
		rec := newRecord()
		rec.Expires = time.Now().Add(2 * time.Second)
		must(t, b.Create(t.Context(), key(n), rec))
		time.Sleep(time.Until(rec.Expires.Add(-500 * time.Millisecond)))
		if err := b.Load(t.Context(), key(n), new(driver.Record)); err != nil && time.Now().Before(rec.Expires) {
			t.Errorf("Load before the deadline = %v", err)
		}
	}
}

// TestDeadlineIsExact checks that a session ends at its own deadline, though memcached has it for longer,
// and that its key can be taken at once.
func TestDeadlineIsExact(t *testing.T) {
	addr := empty(t)
	b, c, ctx := newNode(t, driver.Config{Config: addr}), dial(t, addr), t.Context()
	rec := newRecord()
	rec.Expires = time.Now().Add(2 * time.Second)
	must(t, b.Create(ctx, key(1), rec))
	c.do("touch session:"+key(1)+" 60", "TOUCHED") // or a test that is kept waiting comes when memcached has removed it
	if err := b.Load(ctx, key(1), new(driver.Record)); err != nil && time.Now().Before(rec.Expires) {
		t.Errorf("Load before the deadline = %v", err)
	}
	time.Sleep(time.Until(rec.Expires))
	if err := b.Load(ctx, key(1), new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load = %v, want ErrNotFound", err)
	}
	c.do("mg session:"+key(1)+" t", "HD ") // it is still there
	if err := b.Save(ctx, key(1), rec); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Save = %v, want ErrNotFound", err)
	}
	if err := b.Delete(ctx, key(1), 1); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Delete = %v, want ErrNotFound", err)
	}
	must(t, b.Create(ctx, key(1), newRecord()))
	if err := b.Create(ctx, key(1), newRecord()); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create = %v, want ErrExists", err)
	}
}

// TestDeleteLeavesNothing checks that an item that was deleted at a version is not in memcached any more.
func TestDeleteLeavesNothing(t *testing.T) {
	addr := empty(t)
	b, c, ctx := newNode(t, driver.Config{Config: addr}), dial(t, addr), t.Context()
	must(t, b.Create(ctx, key(1), newRecord()))
	must(t, b.Delete(ctx, key(1), 1))
	c.do("get session:"+key(1), "END")
}
