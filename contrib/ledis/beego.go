package ledis

import (
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// A beego is the [driver.Backend] for the layout of beego's provider: the bare sid is the key, and the value is the gob map
// of the session's values, or empty if there are none. Only LedisDB knows when it expires, to the second.
//
// The layout has no version. The backend uses the SHA-1 of the values instead. LedisDB's scripts cannot compute one, so a
// save reads the values first, and its script compares them with what is stored by then. The layout also has no place for
// the user, the login time, the start time and the absolute deadline: they are lost.
type beego struct{ *client }

var _ driver.Pinger = (*beego)(nil)

// fingerprint returns the version for values: 63 bits of their SHA-1, and one more bit so that it is never 0.
func fingerprint(values string) uint64 {
	sum := sha1.Sum([]byte(values))
	return binary.BigEndian.Uint64(sum[:]) | 1<<63
}

// validBeego reports whether key can be a sid. The manager has already checked its shape.
func validBeego(key string) bool { return key != "" && len(key) <= maxKey }

// seconds returns how long values live, at least one second.
func seconds(expires time.Time) int64 {
	return max(int64((time.Until(expires)+time.Second-1)/time.Second), 1)
}

// Create implements [driver.Backend].
func (b *beego) Create(ctx context.Context, key string, rec *driver.Record) error {
	if !validBeego(key) {
		return errKey
	}
	if err := fits(len(rec.Data)); err != nil {
		return err
	}
	a, err := b.run(ctx, call{
		op: "create", script: beegoCreateScript, keys: []string{key}, args: []any{string(rec.Data), seconds(rec.Expires)},
	})
	if err == nil {
		err = result(a)
	}
	if err == nil {
		rec.Version = fingerprint(string(rec.Data))
	}
	return err
}

// Load implements [driver.Backend].
func (b *beego) Load(ctx context.Context, key string, rec *driver.Record) error {
	if !validBeego(key) {
		return driver.ErrNotFound
	}
	value, left, err := b.get(ctx, "load", key, mostOf(rec.MaxData))
	if err == nil {
		*rec = *beegoRecord(value, left)
	}
	return err
}

// get returns values of most bytes or fewer, and how many seconds they still live. LedisDB says the same of values that
// are over and of values that live for ever; beego stores the latter only if its lifetime is 0. Both count as missing.
func (b *beego) get(ctx context.Context, op, key string, most int) (string, int64, error) {
	var left, there *redis.IntCmd
	var read *redis.StringCmd
	err := b.read(ctx, op, func() []redis.Cmder {
		left = redis.NewIntCmd(ctx, "ttl", key)
		there = redis.NewIntCmd(ctx, "exists", key)
		read = redis.NewStringCmd(ctx, "getrange", key, 0, most)
		return []redis.Cmder{left, there, read}
	})
	switch {
	case err != nil:
		return "", 0, err
	case there.Val() == 0 || left.Val() < 1:
		return "", 0, driver.ErrNotFound
	case len(read.Val()) > most:
		return "", 0, fmt.Errorf("session/ledis: %w: values of more than %d bytes", driver.ErrTooLarge, most)
	}
	return read.Val(), left.Val(), nil
}

// beegoRecord returns the record for stored values.
func beegoRecord(values string, left int64) *driver.Record {
	rec := &driver.Record{Version: fingerprint(values), Expires: time.Now().Add(time.Duration(left) * time.Second)}
	if values != "" {
		rec.Data = []byte(values)
	}
	return rec
}

// Save implements [driver.Backend].
func (b *beego) Save(ctx context.Context, key string, rec *driver.Record) error {
	if err := fits(len(rec.Data)); err != nil {
		return err
	}
	err := b.compared(ctx, "save", key, rec.Version, func(values string) call {
		return call{script: beegoSaveScript, args: []any{values, string(rec.Data), seconds(rec.Expires), flag(rec.Shorten)}}
	})
	if err == nil {
		rec.Version = fingerprint(string(rec.Data))
	}
	return err
}

// compared runs a script that changes values of one version.
func (b *beego) compared(ctx context.Context, op, key string, version uint64, with func(values string) call) error {
	if !validBeego(key) {
		return driver.ErrNotFound
	}
	values, left, err := b.get(ctx, op, key, maxString)
	if err != nil {
		return err
	}
	if fingerprint(values) != version {
		return &driver.ConflictError{Record: beegoRecord(values, left)}
	}
	c := with(values)
	c.op, c.keys = op, []string{key}
	a, err := b.run(ctx, c)
	if err != nil {
		return err
	}
	if a.code != conflict {
		return result(a)
	}
	text, now, ok := strings.Cut(a.value, " ")
	if left, err = strconv.ParseInt(text, 10, 64); !ok || err != nil {
		return fmt.Errorf("session/ledis: %w", rediscall.ErrUnexpected)
	}
	return &driver.ConflictError{Record: beegoRecord(now, left)}
}

// Touch implements [driver.Backend].
func (b *beego) Touch(ctx context.Context, key string, expires time.Time) error {
	if !validBeego(key) {
		return driver.ErrNotFound
	}
	a, err := b.run(ctx, call{
		op: "touch", script: beegoTouchScript, keys: []string{key}, args: []any{seconds(expires)}, again: true,
	})
	if err == nil {
		err = result(a)
	}
	return err
}

// Delete implements [driver.Backend].
func (b *beego) Delete(ctx context.Context, key string, version uint64) error {
	if version != 0 {
		return b.compared(ctx, "delete", key, version, func(values string) call {
			return call{script: beegoDeleteScript, args: []any{flag(true), values}}
		})
	}
	if !validBeego(key) {
		return nil
	}
	a, err := b.run(ctx, call{
		op: "delete", script: beegoDeleteScript, keys: []string{key}, args: []any{flag(false), ""}, again: true,
	})
	if err == nil {
		err = result(a)
	}
	if errors.Is(err, driver.ErrNotFound) {
		return nil
	}
	return err
}
