package redis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/redis"
)

// indexOf returns the name of the only user's index that there is.
func indexOf(t testing.TB, c *goredis.Client) string {
	t.Helper()
	names, err := c.Keys(context.Background(), "*:u:{*}").Result()
	must(t, err)
	if len(names) != 1 {
		t.Fatalf("there are %d indices, want 1", len(names))
	}
	return names[0]
}

func ofUser(t testing.TB, b store, user string) (keys []string) {
	t.Helper()
	for e, err := range b.ListUser(context.Background(), user) {
		must(t, err)
		keys = append(keys, e.Key)
	}
	slices.Sort(keys)
	return keys
}

// TestIndexExpiry checks that a user's index expires after all of its sessions, and not for ever after.
func TestIndexExpiry(t *testing.T) {
	addr := empty(t)
	b, c, ctx := node(t, addr, "app"), bare(t, addr), t.Context()
	check := func(after string) {
		t.Helper()
		var last time.Duration // since 1970: what is left would be less by the time that it takes to ask
		for i := range 4 {
			last = max(last, c.PExpireTime(ctx, "app:{"+key(i)+"}").Val())
		}
		end := c.PExpireTime(ctx, indexOf(t, c)).Val()
		if end < last || end > last+2*redis.Slack {
			t.Errorf("after %s the index lives for %v longer than the last session", after, end-last)
		}
	}
	for i, lifetime := range []time.Duration{time.Hour, 10 * time.Hour, time.Minute} {
		rec := newRecord("ann")
		rec.Expires = time.Now().Add(lifetime)
		must(t, b.Create(ctx, key(i), rec))
		check("Create")
	}
	for h := range 40 {
		must(t, b.Touch(ctx, key(h%3), time.Now().Add(time.Duration(2*h)*time.Hour)))
		check("Touch")
	}
	rec := new(driver.Record)
	must(t, b.Load(ctx, key(0), rec))
	rec.Expires = rec.Expires.Add(100 * time.Hour)
	must(t, b.Save(ctx, key(0), rec))
	check("Save")
	old := rec.Version
	rec.Expires = rec.Expires.Add(100 * time.Hour)
	must(t, b.(driver.Renamer).Rename(ctx, key(0), old, key(3), rec, driver.Mark{}))
	check("Rename")
	_, err := b.Reserve(ctx, "ann", key(9), time.Now().Add(500*time.Hour), 9, false)
	must(t, err)
	if ttl := c.PTTL(ctx, indexOf(t, c)).Val(); ttl < 500*time.Hour {
		t.Errorf("after Reserve the index lives for %v, the reservation for 500h", ttl)
	}
	for i := range 4 {
		must(t, b.Delete(ctx, key(i), 0))
	}
	if n := c.ZCard(ctx, indexOf(t, c)).Val(); n != 1 {
		t.Errorf("there are %d entries, want that of the reservation", n)
	}
}

// TestIndexAfterCrash stands for a crash between two writes: what is in the index alone is not listed, does not
// count once its time is over, and goes away.
func TestIndexAfterCrash(t *testing.T) {
	addr := empty(t)
	b, c, ctx := node(t, addr, "app"), bare(t, addr), t.Context()
	must(t, b.Create(ctx, key(1), newRecord("ann")))
	index := indexOf(t, c)
	now := time.Now()
	must(t, c.ZAdd(ctx, index,
		goredis.Z{Member: key(2), Score: float64(now.Add(-time.Second).UnixMilli())}, // never created, long ago
		goredis.Z{Member: key(3), Score: float64(now.Add(time.Minute).UnixMilli())},  // about to be
	).Err())
	must(t, b.Create(ctx, key(4), newRecord("bob"))) // it was ann's, and bob's index was written since
	must(t, c.ZAdd(ctx, index, goredis.Z{Member: key(4), Score: 1}).Err())
	if got := ofUser(t, b, "ann"); !slices.Equal(got, []string{key(1)}) {
		t.Errorf("listed %q", got)
	}
	left := c.ZRange(ctx, index, 0, -1).Val()
	if slices.Sort(left); len(left) != 2 || !slices.Contains(left, key(1)) || !slices.Contains(left, key(3)) {
		t.Errorf("after listing %d entries are left, want those of the session and of the one to come", len(left))
	}

	must(t, c.ZAdd(ctx, index, goredis.Z{Member: key(2), Score: 1}).Err())
	if _, err := b.Reserve(ctx, "ann", key(5), now.Add(time.Hour), 2, false); !errors.Is(err, session.ErrTooManySessions) {
		t.Errorf("Reserve = %v: a session and one to come are two", err)
	}
	if _, err := b.Reserve(ctx, "ann", key(5), now.Add(time.Hour), 3, false); err != nil {
		t.Errorf("Reserve = %v: a dead entry counted", err)
	}
	if _, err := c.ZScore(ctx, index, key(2)).Result(); err == nil {
		t.Error("Reserve left the dead entry")
	}

	// The record is there and its entry is lost: the next save makes it again.
	must(t, c.Del(ctx, index).Err())
	rec := new(driver.Record)
	must(t, b.Load(ctx, key(1), rec))
	must(t, b.Save(ctx, key(1), rec))
	if got := ofUser(t, b, "ann"); !slices.Equal(got, []string{key(1)}) {
		t.Errorf("after a save listed %q", got)
	}
}

// TestIndexIsSuperset has users change beside deletions while others list: whose session it is, finds it.
func TestIndexIsSuperset(t *testing.T) {
	addr := empty(t)
	nodes := []store{node(t, addr, "app"), node(t, addr, "app")}
	ctx := t.Context()
	must(t, nodes[0].Create(ctx, key(1), newRecord("ann")))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			b := nodes[i%2]
			for n := range 60 {
				rec := new(driver.Record)
				if err := b.Load(ctx, key(1), rec); err != nil {
					t.Error(err)
					return
				}
				rec.User = []string{"ann", "bob"}[(n+i)%2]
				err := b.Save(ctx, key(1), rec)
				if _, conflict := errors.AsType[*driver.ConflictError](err); err != nil && !conflict {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rec := new(driver.Record)
	must(t, nodes[0].Load(ctx, key(1), rec))
	if got := ofUser(t, nodes[0], rec.User); !slices.Equal(got, []string{key(1)}) {
		t.Errorf("the session is %s's, listed for them: %q", rec.User, got)
	}
}

// TestReserveOnNodes has 32 parallel logins on three nodes, again and again: never more sessions than allowed.
func TestReserveOnNodes(t *testing.T) {
	addr := empty(t)
	nodes := []store{node(t, addr, "app"), node(t, addr, "app"), node(t, addr, "app")}
	ctx := t.Context()
	const most = 3
	for round := range 5 {
		var wg sync.WaitGroup
		for i := range 32 {
			wg.Go(func() {
				b, k := nodes[i%3], key(100*round+i)
				if _, err := b.Reserve(ctx, "ann", k, time.Now().Add(time.Minute), most, true); err != nil {
					t.Errorf("Reserve: %v", err)
					return
				}
				if i%8 == 7 {
					time.Sleep(2 * time.Millisecond)
				}
				if err := b.Create(ctx, k, newRecord("ann")); err != nil {
					t.Errorf("Create: %v", err)
				}
				if n := len(ofUser(t, b, "ann")); n > most {
					t.Errorf("%d sessions at once, allowed are %d", n, most)
				}
			})
		}
		wg.Wait()
		if n := len(ofUser(t, nodes[0], "ann")); n != most {
			t.Errorf("round %d: %d sessions, want %d", round, n, most)
		}
	}
}

// TestReserveWhileTheUserChanges has a session become another user's after it was counted, and before it is ended.
func TestReserveWhileTheUserChanges(t *testing.T) {
	addr, ctx := empty(t), t.Context()
	other, c := node(t, addr, "app"), bare(t, addr)
	must(t, other.Create(ctx, key(0), newRecord("ann")))
	b, err := redis.Over(ctx, c, driver.Config{Namespace: "app"})
	must(t, err)
	must(t, c.ScriptFlush(ctx).Err()) // that a script is sent in full is no second try
	scripts := 0
	c.AddHook(before(func(cmd goredis.Cmder) {
		if cmd.Name() != "evalsha" {
			return
		}
		if scripts++; scripts == 2 { // the first counts
			bob := newRecord("bob")
			bob.Version = 1
			must(t, other.Save(ctx, key(0), bob))
		}
	}))
	evicted, err := b.(driver.UserLimiter).Reserve(ctx, "ann", key(1), time.Now().Add(time.Minute), 1, true)
	if err != nil || len(evicted) > 0 || scripts < 3 {
		t.Errorf("evicted %q, %v, in %d scripts", evicted, err, scripts)
	}
	if got := ofUser(t, other, "bob"); !slices.Equal(got, []string{key(0)}) {
		t.Errorf("bob has %q", got)
	}
}

// A before is a hook that is called before each command that is sent alone.
type before func(cmd goredis.Cmder)

func (before) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (b before) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		b(cmd)
		return next(ctx, cmd)
	}
}

func (before) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

// TestLongUser has names of users that are longer than what a listing reads at first.
func TestLongUser(t *testing.T) {
	b, ctx := node(t, empty(t), "app"), t.Context()
	want := make(map[string]string)
	for i, n := range []int{1, 209, 210, 211, 5000, 65535} {
		user := fmt.Sprintf("%0*d", n, i)
		want[key(i)] = user
		must(t, b.Create(ctx, key(i), newRecord(user)))
		must(t, b.Touch(ctx, key(i), time.Now().Add(100*time.Hour)))
		if got := ofUser(t, b, user); !slices.Equal(got, []string{key(i)}) {
			t.Errorf("a user of %d bytes has %d sessions", n, len(got))
		}
	}
	for e, err := range b.List(ctx) {
		must(t, err)
		if e.User != want[e.Key] || e.Data != nil {
			t.Errorf("listed a user of %d bytes, want %d", len(e.User), len(want[e.Key]))
		}
	}
	if err := b.Create(ctx, key(9), newRecord(fmt.Sprintf("%065536d", 1))); err == nil {
		t.Error("a user of 65536 bytes was stored")
	}
}

// TestShortenedDoesNotCount has a session end early: it has been saved a moment ago, and counts no longer all the same.
func TestShortenedDoesNotCount(t *testing.T) {
	b, ctx := node(t, empty(t), "app"), t.Context()
	rec := newRecord("ann")
	must(t, b.Create(ctx, key(0), rec))
	must(t, b.Create(ctx, key(1), newRecord("ann")))
	rec.Shorten, rec.Expires = true, time.Now().Add(50*time.Millisecond)
	must(t, b.Save(ctx, key(0), rec))
	time.Sleep(100 * time.Millisecond)
	evicted, err := b.Reserve(ctx, "ann", key(2), time.Now().Add(time.Minute), 2, true)
	must(t, err)
	if len(evicted) > 0 {
		t.Error("a session was evicted in place of one that has expired")
	}
}

// TestListWhileRenamed has a session get new keys all the time: it is always found.
func TestListWhileRenamed(t *testing.T) {
	addr := empty(t)
	b, other := node(t, addr, "app"), node(t, addr, "app")
	must(t, b.Create(t.Context(), key(0), newRecord("ann")))
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			must(t, other.(driver.Renamer).Rename(t.Context(), key(i), 1, key(i+1), newRecord("ann"), driver.Mark{}))
		}
	})
	for range 300 {
		if len(ofUser(t, b, "ann")) == 0 {
			t.Error("the session was not found")
			break
		}
	}
	cancel()
	wg.Wait()
}
