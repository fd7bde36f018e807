package ledis_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// TestManyScripts runs more scripts than LedisDB's interpreter has places for answers.
func TestManyScripts(t *testing.T) {
	b, ctx := node(t, in(t.TempDir()), ""), t.Context()
	rec := newRecord("ann")
	must(t, b.Create(ctx, key(1), rec))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1500 {
				if err := b.Touch(ctx, key(1), rec.Expires); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	must(t, b.Save(ctx, key(1), rec))
}

// TestOthersScripts has another program leave an answer on top of that of this package. A call that must not run twice
// then fails, because nobody knows its answer; it is no miss and no conflict. The next one works.
func TestOthersScripts(t *testing.T) {
	s := newLocal(t, "")
	b, c, ctx := node(t, at(s.addr), ""), bare(t, s.addr), t.Context()
	rec := newRecord("")
	must(t, b.Create(ctx, key(1), rec))
	for _, theirs := range []string{"return 1", "return {false}", "return {1, 2, 3}", "return 'text'"} {
		must(t, c.Eval(ctx, theirs, nil).Err())
		must(t, b.Touch(ctx, key(1), rec.Expires))
		must(t, c.Eval(ctx, theirs, nil).Err())
		err := b.Save(ctx, key(1), rec)
		conflict, _ := errors.AsType[*driver.ConflictError](err)
		if err == nil || errors.Is(err, driver.ErrNotFound) || conflict != nil || !strings.Contains(err.Error(), "somebody else's") {
			t.Fatalf("%s: Save: %v, want an error that says whose answer it was", theirs, err)
		}
		rec.Version++ // it was made
		must(t, b.Save(ctx, key(1), rec))
	}
	must(t, c.ScriptFlush(ctx).Err())
	must(t, b.Save(ctx, key(1), rec))
}

// TestReadOnly has the server refuse so many writes that the interpreter would break if an error left a script.
func TestReadOnly(t *testing.T) {
	s := newLocal(t, "")
	proxy := servertest.NewProxy(t, s.addr)
	b, ctx := node(t, at(proxy.Addr), ""), t.Context()
	rec := newRecord("ann")
	must(t, b.Create(ctx, key(1), rec))
	must(t, b.Ping(ctx))
	s.config.SetReadonly(true)
	for range 300 {
		if err := b.Save(ctx, key(1), rec); err == nil || !strings.Contains(err.Error(), "readonly") {
			t.Fatalf("Save: %v, want that the server is readonly", err)
		}
	}
	proxy.ResetTrips()
	if b.Ping(ctx) == nil {
		t.Error("Ping says that all is well, but the server refuses every write")
	}
	if n := proxy.Trips(); n != 1 {
		t.Errorf("a refused Ping took %d trips, want 1", n)
	}
	if err := b.Load(ctx, key(1), new(driver.Record)); err != nil {
		t.Errorf("Load: %v", err)
	}
	s.config.SetReadonly(false)
	must(t, b.Save(ctx, key(1), rec))
	if rec.Version != 2 {
		t.Errorf("version %d, want 2", rec.Version)
	}
}

// TestRemoved checks that LedisDB removes what is over, with its entries, and not before.
func TestRemoved(t *testing.T) {
	s := newLocal(t, "")
	b, c, ctx := node(t, at(s.addr), "app"), bare(t, s.addr), t.Context()
	ttl := func(name string) int64 {
		left, err := c.Do(ctx, "ttl", name).Int64()
		must(t, err)
		return left
	}
	names := func() []any {
		list, err := c.Do(ctx, "xscan", "kv", "app:", "count", 100).Slice()
		must(t, err)
		return list[1].([]any)
	}
	rec := newRecord("ann")
	rec.Alias = "alias"
	must(t, b.Create(ctx, key(1), rec))
	must(t, b.Mark(ctx, key(2), 0, driver.Mark{Kind: 1, Expires: rec.Expires}))
	_, err := b.Reserve(ctx, "bob", key(3), rec.Expires, 2, false)
	must(t, err)
	check := func(what string, count int, least time.Duration) {
		t.Helper()
		list := names()
		if len(list) != count {
			t.Errorf("%s: %d names, want %d", what, len(list), count)
		}
		for _, name := range list {
			if left := ttl(name.(string)); left < int64(least/time.Second) || left > int64(least/time.Second)+1300 {
				t.Errorf("%s: a name lives for %d more seconds, want %v and a while", what, left, least)
			}
		}
	}
	check("stored", 5, time.Hour)
	must(t, b.Touch(ctx, key(1), rec.Expires.Add(100*time.Second)))
	must(t, b.Save(ctx, key(1), rec))
	must(t, b.Rename(ctx, key(1), 2, key(4), rec, driver.Mark{Kind: 1, Expires: rec.Expires}))
	check("renamed", 6, time.Hour)
	must(t, b.Touch(ctx, key(4), rec.Expires.Add(2*time.Hour)))
	for _, name := range []string{"s:" + key(4), "u:" + hash("ann") + ":" + key(4), "a:" + hash("alias") + ":" + key(4)} {
		if left := ttl("app:" + name); left < 3*3600-60 {
			t.Errorf("touched: %.2s lives for %d more seconds, want 3h", name, left)
		}
	}
	rec.Expires = time.Now().Add(time.Minute)
	rec.Shorten = true
	must(t, b.Save(ctx, key(4), rec))
	if left := ttl("app:s:" + key(4)); left > 1300 {
		t.Errorf("a session that was made to end in a minute is removed after %d seconds", left)
	}
	must(t, b.Delete(ctx, key(4), 0))
	check("deleted", 3, time.Hour)
	must(t, b.Clear(ctx))
	check("cleared", 0, 0)
}

// TestEntryWithoutRecord is about what a crash between the writes of a script leaves: an entry of a session that was not
// stored, or has another user. It takes no place and is not listed.
func TestEntryWithoutRecord(t *testing.T) {
	s := newLocal(t, "")
	b, c, ctx := node(t, at(s.addr), "app"), bare(t, s.addr), t.Context()
	must(t, b.Create(ctx, key(1), newRecord("bob")))
	ann := "app:u:" + hash("ann") + ":"
	for i := range 3 {
		must(t, c.Do(ctx, "setex", ann+key(i), 3600, string(make([]byte, 8))).Err())
	}
	for range b.ListUser(ctx, "ann") {
		t.Error("ann has a session")
	}
	if _, err := b.Reserve(ctx, "ann", key(9), time.Now().Add(time.Minute), 1, false); err != nil {
		t.Errorf("Reserve: %v", err)
	}
	if n, _ := c.Do(ctx, "exists", ann+key(1)).Int(); n != 0 {
		t.Error("the entry is still there")
	}
}
