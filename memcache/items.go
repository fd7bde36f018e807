package memcache

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/internal/cas"
	"github.com/seed1a8f7c28/session/internal/framing"
)

// form is memcached's. No connection lets a value through that is longer than framing allows.
var form = cas.Form{Name: "memcache", MaxName: 250, MaxValue: framing.MaxValue}

// Get implements [cas.Items].
func (c *client) Get(ctx context.Context, name string) (cas.Item, error) {
	item, err := c.again(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return mc.Get(name) })
	switch {
	case err != nil:
		return cas.Item{}, answerOf(err)
	case item.Key != name:
		return cas.Item{}, errUnexpected
	}
	return cas.Item{Value: item.Value, Number: item.CasID}, nil
}

// Add implements [cas.Items].
func (c *client) Add(ctx context.Context, name string, item cas.Item) error {
	new := c.item(name, item)
	_, err := c.run(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Add(new) })
	if errors.Is(err, memcache.ErrNotStored) {
		return cas.ErrTaken
	}
	return err
}

// Replace implements [cas.Items].
func (c *client) Replace(ctx context.Context, name string, item cas.Item) error {
	return c.replace(ctx, c.item(name, item))
}

func (c *client) replace(ctx context.Context, item *memcache.Item) error {
	_, err := c.run(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.CompareAndSwap(item) })
	return answerOf(err)
}

// Remove implements [cas.Items]. memcached's delete removes any item. For a certain one, Remove stores an empty item that
// expires at once.
func (c *client) Remove(ctx context.Context, name string, number uint64) error {
	if number != 0 {
		return c.replace(ctx, &memcache.Item{Key: name, CasID: number, Expiration: atOnce})
	}
	_, err := c.again(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Delete(name) })
	return answerOf(err)
}

// Touch implements [cas.Items]. Nobody can read the expiry after it.
func (c *client) Touch(ctx context.Context, name string, expires time.Time) error {
	seconds := exptime(expires, time.Now(), c.later)
	_, err := c.run(ctx, func(mc *memcache.Client) (*memcache.Item, error) { return nil, mc.Touch(name, seconds) })
	return answerOf(err)
}

// Fail implements [cas.Items].
func (*client) Fail(op string, err error) error { return fail(op, err) }

// Cut implements [cas.Items].
func (*client) Cut(err error) bool { return cut(err) }

func (c *client) item(name string, item cas.Item) *memcache.Item {
	return &memcache.Item{Key: name, Value: item.Value, CasID: item.Number, Expiration: exptime(item.Expires, time.Now(), c.later)}
}

// answerOf returns the client's answer about an item as package cas expects it, and other errors as they are.
func answerOf(err error) error {
	switch {
	case errors.Is(err, memcache.ErrCacheMiss), errors.Is(err, memcache.ErrNotStored):
		return cas.ErrMiss
	case errors.Is(err, memcache.ErrCASConflict):
		return cas.ErrChanged
	}
	return err
}

// The meaning of an exptime in memcached's protocol (doc/protocol.txt).
const (
	atOnce      = -1
	never       = 0
	maxRelative = 30 * 24 * 60 * 60 // larger values are a Unix time
)

// clockSlack is added to absolute expiry times, so that a server whose clock is ahead does not end sessions early.
const clockSlack = time.Hour

// exptime returns the expiry of an item for a record that expires at expires, plus later. Up to 30 days it is a number of
// seconds from now, so that the server's clock does not matter. memcached counts whole seconds and the current one may be
// nearly over, so later must be at least one second. Its clock ticks once a second and stops while the machine is suspended:
// for a moment after that, memcached computes expiries from a time in the past, so later should be more. For a time after
// 2038, which the protocol cannot express, the item has no expiry.
func exptime(expires, now time.Time, later time.Duration) int32 {
	left := expires.Sub(now)
	if left <= 0 {
		return atOnce
	}
	if left <= maxRelative*time.Second { // with more, the sum could overflow
		if seconds := int64((left + later + time.Second - 1) / time.Second); seconds <= maxRelative {
			return int32(seconds)
		}
	}
	if at := expires.Add(clockSlack).Unix(); at <= math.MaxInt32 {
		return int32(at)
	}
	return never
}
