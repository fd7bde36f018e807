package redis_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/redis"
)

// TestRecordSaysWhenItExpires has each call that moves the expiry of a key make the record say the same, because Load reads
// nothing else.
func TestRecordSaysWhenItExpires(t *testing.T) {
	addr := empty(t)
	b, c, ctx := node(t, addr, "app"), bare(t, addr), t.Context()
	rec := newRecord("ann")
	first := rec.Expires
	saved := func(expires time.Time, shorten bool) func() error {
		return func() error {
			rec.Expires, rec.Shorten = expires, shorten
			return b.Save(ctx, key(1), rec)
		}
	}
	for _, tt := range []struct {
		name string
		call func() error
		want time.Time
	}{
		{"Create", func() error { return b.Create(ctx, key(1), rec) }, first},
		{"Touch", func() error { return b.Touch(ctx, key(1), first.Add(time.Hour)) }, first.Add(time.Hour)},
		{"earlier Touch", func() error { return b.Touch(ctx, key(1), first.Add(time.Minute)) }, first.Add(time.Hour)},
		{"Touch that extends the index", func() error { return b.Touch(ctx, key(1), first.Add(redis.Slack)) }, first.Add(redis.Slack)},
		{"earlier Save", saved(first.Add(time.Minute), false), first.Add(redis.Slack)},
		{"later Save", saved(first.Add(2*redis.Slack), false), first.Add(2 * redis.Slack)},
		{"Save that shortens", saved(first.Add(time.Minute), true), first.Add(time.Minute)},
		{"Touch after that", func() error { return b.Touch(ctx, key(1), first.Add(time.Hour)) }, first.Add(time.Hour)},
	} {
		must(t, tt.call())
		found := new(driver.Record)
		must(t, b.Load(ctx, key(1), found))
		at := c.Do(ctx, "pexpiretime", "app:{"+key(1)+"}").Val()
		if !found.Expires.Equal(tt.want) || at != tt.want.UnixMilli() {
			t.Errorf("%s: the record says %v later than wanted, the key %v",
				tt.name, found.Expires.Sub(tt.want), time.UnixMilli(at.(int64)).Sub(tt.want))
		}
	}
}

// TestExpiryOfKeyAlone has an earlier version of this package move a session's expiry, which did not change the record.
func TestExpiryOfKeyAlone(t *testing.T) {
	addr := empty(t)
	b, c, ctx := node(t, addr, "app"), bare(t, addr), t.Context()
	rec := newRecord("")
	must(t, b.Create(ctx, key(1), rec))
	past := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(-time.Second).UnixMilli()))
	must(t, c.SetRange(ctx, "app:{"+key(1)+"}", driver.RecordExpiresOffset, string(past)).Err())
	found := &driver.Record{MaxData: 1 << 10}
	must(t, b.Load(ctx, key(1), found))
	if !found.Expires.Equal(rec.Expires) || string(found.Data) != "data" {
		t.Errorf("Load: expires %v later, data %q", found.Expires.Sub(rec.Expires), found.Data)
	}
	must(t, b.Touch(ctx, key(1), rec.Expires.Add(-time.Minute))) // earlier than the key says
	must(t, b.Load(ctx, key(1), found))
	if at := c.Do(ctx, "pexpiretime", "app:{"+key(1)+"}").Val(); at != rec.Expires.UnixMilli() {
		t.Error("a touch has made the session end earlier")
	}
}

// TestTouchOfNoRecord has something else stand where a session may: it stays as it is.
func TestTouchOfNoRecord(t *testing.T) {
	addr := empty(t)
	b, c, ctx := node(t, addr, "app"), bare(t, addr), t.Context()
	must(t, c.Set(ctx, "app:{"+key(1)+"}", "no record", time.Hour).Err())
	if err := b.Touch(ctx, key(1), time.Now().Add(2*time.Hour)); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Touch = %v", err)
	}
	if got := c.Get(ctx, "app:{"+key(1)+"}").Val(); got != "no record" {
		t.Errorf("it has become %q", got)
	}
}

// TestTouchesKeepTheIndex touches a user's session often, each time for a little longer: the index always outlives it.
func TestTouchesKeepTheIndex(t *testing.T) {
	addr := empty(t)
	b, c, ctx := node(t, addr, "app"), bare(t, addr), t.Context()
	rec := newRecord("ann")
	must(t, b.Create(ctx, key(1), rec))
	index := indexOf(t, c)
	for i := range 50 {
		at := rec.Expires.Add(time.Duration(i) * redis.Step / 7)
		must(t, b.Touch(ctx, key(1), at))
		if until := c.Do(ctx, "pexpiretime", index).Val().(int64); until < at.Add(redis.Slack-redis.Step).UnixMilli() {
			t.Fatalf("touch %d: the index ends %v after the session", i, time.UnixMilli(until).Sub(at))
		}
	}
}
