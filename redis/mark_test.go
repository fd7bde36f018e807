package redis_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func inAMinute(kind byte) driver.Mark {
	return driver.Mark{Kind: kind, Target: []byte("target"), Expires: time.Now().Add(time.Minute)}
}

// TestMarkInIndex has marks under keys that the indexes still have: they are no sessions, and no error.
func TestMarkInIndex(t *testing.T) {
	addr := empty(t)
	b, c, ctx := node(t, addr, "app"), bare(t, addr), t.Context()
	must(t, b.Create(ctx, key(1), newRecord("ann")))
	must(t, b.Mark(ctx, key(2), 0, inAMinute(1)))
	index := indexOf(t, c)
	must(t, c.ZAdd(ctx, index, goredis.Z{Member: key(2), Score: 1}).Err())
	_, err := b.Reserve(ctx, "ann", key(3), time.Now().Add(time.Minute), 2, false)
	must(t, err)
	must(t, c.ZAdd(ctx, index, goredis.Z{Member: key(2), Score: 1}).Err())
	if got := ofUser(t, b, "ann"); !slices.Equal(got, []string{key(1)}) {
		t.Errorf("listed %q", got)
	}
	if n := c.ZCard(ctx, index).Val(); n != 2 {
		t.Errorf("%d entries, want that of the session and what is reserved", n)
	}
}

// TestForeignType has a key of another type under a session's name: it is neither a session nor a mark.
func TestForeignType(t *testing.T) {
	addr := empty(t)
	b, c, ctx := node(t, addr, "app"), bare(t, addr), t.Context()
	must(t, c.HSet(ctx, "app:{"+key(1)+"}", "a", "b").Err())
	err := b.Load(ctx, key(1), new(driver.Record))
	if _, marked := errors.AsType[*driver.MarkedError](err); marked || !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Load = %v", err)
	}
}

// TestAliasIndex has the index of an alias kept as a user's is: it outlives its sessions, and forgets what is gone.
func TestAliasIndex(t *testing.T) {
	addr := empty(t)
	b, c, ctx := node(t, addr, "app"), bare(t, addr), t.Context()
	index := "app:a:{" + sessiontest.Key("alias") + "}"
	aliased := func(user string) *driver.Record {
		rec := newRecord(user)
		rec.Alias, rec.Meta = "alias", make([]byte, driver.MaxMeta)
		return rec
	}
	for i, user := range []string{"", "ann", strings.Repeat("u", 300)} {
		must(t, b.Create(ctx, key(i), aliased(user)))
		must(t, b.Touch(ctx, key(i), time.Now().Add(2*redis.Slack)))
	}
	if ttl := c.PTTL(ctx, index).Val(); ttl < 2*redis.Slack {
		t.Errorf("the index lives for %v, its sessions for %v", ttl, 2*redis.Slack)
	}
	must(t, b.Mark(ctx, key(0), 1, inAMinute(1)))
	_, err := b.Reserve(ctx, "ann", key(5), time.Now().Add(time.Minute), 1, true)
	must(t, err)
	must(t, b.(driver.Renamer).Rename(ctx, key(2), 1, key(3), aliased(""), inAMinute(1)))
	if got := c.ZRange(ctx, index, 0, -1).Val(); !slices.Equal(got, []string{key(3)}) {
		t.Errorf("%d entries are left, want that of the renamed session", len(got))
	}
	must(t, c.ZAdd(ctx, index, goredis.Z{Member: key(7), Score: 1}).Err()) // what a crash has left
	n := 0
	for e, err := range b.ListAlias(ctx, "alias") {
		must(t, err)
		if n++; e.Key != key(3) || len(e.Meta) != driver.MaxMeta {
			t.Errorf("listed %q with %d bytes of metadata", e.Key, len(e.Meta))
		}
	}
	if left := c.ZCard(ctx, index).Val(); n != 1 || left != 1 {
		t.Errorf("%d listed, %d entries left, want one", n, left)
	}
}

// TestMoveInTwoSteps ends between the two steps of a regeneration, which is what a cluster has of one when a node dies:
// docs/providers/redis.md says so.
func TestMoveInTwoSteps(t *testing.T) {
	b := opened(t, redis.OpenCluster, driver.Config{Config: clusterConfig(t), Namespace: "app"}).(store)
	ctx, old := t.Context(), newRecord("ann")
	must(t, b.Create(ctx, key(0), old))
	must(t, b.Create(ctx, key(1), newRecord("ann")))
	var found driver.Record
	must(t, b.Load(ctx, key(0), &found))
	if found.Version != 1 || !found.Expires.Equal(old.Expires) {
		t.Errorf("the old session has version %d and ends %v later", found.Version, found.Expires.Sub(old.Expires))
	}
	if got := ofUser(t, b, "ann"); len(got) != 2 {
		t.Errorf("ann has %d sessions, want the old one, and the new one that expires unused", len(got))
	}
	must(t, b.Mark(ctx, key(0), 1, inAMinute(1))) // the next try is as if there had been none
	if _, marked := errors.AsType[*driver.MarkedError](b.Load(ctx, key(0), &found)); !marked {
		t.Error("the old session has no mark")
	}
}
