package redis

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// A beego is the [driver.Backend] for the layout of beego's providers: the bare sid is the key, and the value is the gob
// map of the session's values, or empty if there are none. The time to live is the one that the last release set. beego's
// applications can work on the same sessions at the same time.
//
// The layout has no version. The backend uses the SHA-1 of the values instead, so that a save can compare what it has read
// with what is stored. It does not notice a change back to the same values, which does no harm. The layout also has no
// place for the user, the login time, the start time and the absolute deadline: they are lost.
type beego struct {
	*client
	lifetime time.Duration
}

var (
	//go:embed beego_save.lua
	beegoSaveText string
	//go:embed beego_delete.lua
	beegoDeleteText string

	beegoSaveScript   = newScript(beegoSaveText)
	beegoDeleteScript = newScript(beegoDeleteText)
)

// fingerprint returns the version for values: 60 bits of their SHA-1, and one more bit so that it is never 0.
func fingerprint(values []byte) uint64 {
	sum := sha1.Sum(values)
	return binary.BigEndian.Uint64(sum[:])>>4 | 1<<63
}

// digits returns the version in the form that the scripts compare.
func digits(version uint64) string { return fmt.Sprintf("%015x", version&^(1<<63)) }

// Create implements [driver.Backend].
func (b *beego) Create(ctx context.Context, key string, rec *driver.Record) error {
	if !validBeego(key) {
		return errKey
	}
	if err := fits(rec.Data); err != nil {
		return err
	}
	set := onceCall("set", key, notNil(rec.Data), "nx", "pxat", millis(rec.Expires))
	if err := b.send(ctx, "create", set); err != nil {
		return err
	}
	if set.none() {
		return driver.ErrExists
	}
	rec.Version = fingerprint(rec.Data)
	return nil
}

// Load implements [driver.Backend].
func (b *beego) Load(ctx context.Context, key string, rec *driver.Record) error {
	if !validBeego(key) {
		return driver.ErrNotFound
	}
	value, expires, err := b.get(ctx, key, mostOf(rec.MaxData))
	if err != nil {
		return err
	}
	*rec = *b.record(value, expires)
	return nil
}

// record returns the record for stored values. A session that beego stored with a lifetime of 0 never expires. It is
// treated as if half of its lifetime had passed, so that its next use gives it an expiry.
func (b *beego) record(value []byte, expires int64) *driver.Record {
	rec := &driver.Record{Version: fingerprint(value), Data: value}
	if len(value) == 0 {
		rec.Data = nil
	}
	if rec.Expires = time.UnixMilli(expires); expires < 0 {
		rec.Expires = time.UnixMilli(time.Now().Add(b.lifetime / 2).UnixMilli())
	}
	return rec
}

// Save implements [driver.Backend].
func (b *beego) Save(ctx context.Context, key string, rec *driver.Record) error {
	if !validBeego(key) {
		return driver.ErrNotFound
	}
	if err := fits(rec.Data); err != nil {
		return err
	}
	save := beegoSaveScript.call(key, digits(rec.Version), notNil(rec.Data), millis(rec.Expires), flag(rec.Shorten))
	if err := b.send(ctx, "save", save); err != nil {
		return err
	}
	if err := b.outcome(save); err != nil {
		return err
	}
	rec.Version = fingerprint(rec.Data)
	return nil
}

// outcome reads the result of the scripts.
func (b *beego) outcome(c *call) error {
	switch v := c.cmd.Val().(type) {
	case int64:
		if v == 0 {
			return driver.ErrNotFound
		}
		return nil
	case []any:
		if len(v) == 2 {
			value, isValue := v[0].(string)
			expires, isTime := v[1].(int64)
			if isValue && isTime {
				return &driver.ConflictError{Record: b.record([]byte(value), expires)}
			}
		}
	}
	return fmt.Errorf("session/redis: %w", rediscall.ErrUnexpected)
}

// Touch implements [driver.Backend].
func (b *beego) Touch(ctx context.Context, key string, expires time.Time) error {
	if !validBeego(key) {
		return driver.ErrNotFound
	}
	at, there := millis(expires), plainCall("exists", key)
	err := b.send(ctx, "touch",
		plainCall("pexpireat", key, at, "nx"), plainCall("pexpireat", key, at, "gt"), there)
	if err == nil && there.cmd.Val() == int64(0) {
		err = driver.ErrNotFound
	}
	return err
}

// Delete implements [driver.Backend].
func (b *beego) Delete(ctx context.Context, key string, version uint64) error {
	if !validBeego(key) {
		if version == 0 {
			return nil
		}
		return driver.ErrNotFound
	}
	remove := plainCall("unlink", key)
	if version != 0 {
		remove = beegoDeleteScript.call(key, digits(version))
	}
	err := b.sendWaiting(ctx, key, remove)
	if err == nil && version != 0 {
		err = b.outcome(remove)
	}
	return err
}

// probe does the same as a store's.
func (b *beego) probe(ctx context.Context) error {
	const name = "session-probe"
	err := b.send(ctx, "open",
		plainCall("pexpiretime", name), plainCall("getrange", name, 0, 1), plainCall("set", name, "", "xx", "pxat", 1),
		plainCall("unlink", name), plainCall("exists", name),
		beegoSaveScript.call(name, "", "", 1, ""), beegoDeleteScript.call(name, ""))
	return err
}

// notNil returns an empty slice instead of nil, which would not be sent as an argument.
func notNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// validBeego reports whether key can be a sid. The manager has already checked its shape.
func validBeego(key string) bool { return key != "" && len(key) <= maxKey }
