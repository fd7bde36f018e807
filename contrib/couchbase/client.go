package couchbase

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/couchbase/gocb/v2"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/cas"
)

// form is Couchbase's: the limits of a document's key and of its value.
var form = cas.Form{Name: "couchbase", MaxName: 250, MaxValue: 20 << 20}

// A client is Couchbase's [cas.Items]. An item's number is the document's CAS.
type client struct {
	cluster    *gocb.Cluster // nil if it is the application's
	collection *gocb.Collection
	durability gocb.DurabilityLevel
	later      time.Duration // see cas.Later
	isBeego    bool
	seen       cas.Seen
	closed     atomic.Bool
}

// A transcoder passes bytes on as they are, and reads them whatever the flags say: a document of another program must be read
// to be removed. flags are what is stored beside the bytes.
type transcoder struct{ flags uint32 }

// Decode implements [gocb.Transcoder].
func (transcoder) Decode(value []byte, _ uint32, out any) error {
	*out.(*[]byte) = value
	return nil
}

// Encode implements [gocb.Transcoder].
func (t transcoder) Encode(value any) ([]byte, uint32, error) { return value.([]byte), t.flags, nil }

// bytesFlags say "binary", in the form that all of Couchbase's clients share. beego's client stores no flags.
const bytesFlags = 3 << 24

func (c *client) transcoder() gocb.Transcoder {
	if c.isBeego {
		return transcoder{}
	}
	return transcoder{bytesFlags}
}

// value returns what is stored for a value. beego's client turns bytes into JSON, which is a string in Base64.
func (c *client) value(value []byte) []byte {
	if !c.isBeego {
		return value
	}
	if value == nil {
		value = []byte{} // null would mean to beego that there is no session
	}
	text, _ := json.Marshal(value) // of bytes, which never fails
	return text
}

// tries has the client try again what was certainly not made, whatever an application has set for its cluster: a write that
// was made and sent again looks like a conflict with itself.
var tries = gocb.NewBestEffortRetryStrategy(nil)

// do makes a call, unless the backend is closed, and returns the client's answer as package cas expects it.
func (c *client) do(ctx context.Context, call func(left time.Duration) error) error {
	if c.closed.Load() {
		return driver.ErrClosed
	}
	return answerOf(ctx, call(left(ctx)))
}

// Get implements [cas.Items].
func (c *client) Get(ctx context.Context, name string) (item cas.Item, err error) {
	err = c.do(ctx, func(left time.Duration) error {
		found, err := c.collection.Get(name, &gocb.GetOptions{
			Transcoder: c.transcoder(), Context: ctx, Timeout: left, RetryStrategy: tries,
		})
		if err != nil {
			return err
		}
		item.Number = uint64(found.Cas())
		return found.Content(&item.Value)
	})
	if err == nil && c.isBeego {
		var values []byte
		if json.Unmarshal(item.Value, &values) == nil { // otherwise the core will not understand them
			item.Value = values
		}
	}
	return item, err
}

// Add implements [cas.Items].
func (c *client) Add(ctx context.Context, name string, item cas.Item) error {
	return c.do(ctx, func(left time.Duration) error {
		_, err := c.collection.Insert(name, c.value(item.Value), &gocb.InsertOptions{
			Expiry: c.expiry(item.Expires), Transcoder: c.transcoder(), DurabilityLevel: c.durability,
			Context: ctx, Timeout: left, RetryStrategy: tries,
		})
		return err
	})
}

// Replace implements [cas.Items].
func (c *client) Replace(ctx context.Context, name string, item cas.Item) error {
	return c.do(ctx, func(left time.Duration) error {
		_, err := c.collection.Replace(name, c.value(item.Value), &gocb.ReplaceOptions{
			Cas: gocb.Cas(item.Number), Expiry: c.expiry(item.Expires), Transcoder: c.transcoder(),
			DurabilityLevel: c.durability, Context: ctx, Timeout: left, RetryStrategy: tries,
		})
		return err
	})
}

// Remove implements [cas.Items].
func (c *client) Remove(ctx context.Context, name string, number uint64) error {
	return c.do(ctx, func(left time.Duration) error {
		_, err := c.collection.Remove(name, &gocb.RemoveOptions{
			Cas: gocb.Cas(number), DurabilityLevel: c.durability, Context: ctx, Timeout: left, RetryStrategy: tries,
		})
		return err
	})
}

// Touch implements [cas.Items].
func (c *client) Touch(ctx context.Context, name string, expires time.Time) error {
	return c.do(ctx, func(left time.Duration) error {
		_, err := c.collection.Touch(name, c.expiry(expires), &gocb.TouchOptions{
			Context: ctx, Timeout: left, RetryStrategy: tries,
		})
		return err
	})
}

// left returns the time for a call. With a timeout the client says whether the call was sent; with ctx alone it does not.
func left(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(max(time.Until(deadline), time.Millisecond), callTimeout)
	}
	return callTimeout
}

// expiry returns how long Couchbase keeps a document, in whole seconds, which is all that it counts in, and 0 for ever. It
// cannot express a time after 2106.
func (c *client) expiry(expires time.Time) time.Duration {
	if expires.Add(c.later).Unix() >= math.MaxUint32 {
		return 0
	}
	return max((time.Until(expires) + c.later + time.Second - 1).Truncate(time.Second), time.Second)
}

// Ping implements [driver.Pinger]. It removes a document that does not exist: a cluster that refuses all writes refuses that.
func (c *client) Ping(ctx context.Context) error { return c.Fail("ping", c.look(ctx)) }

func (c *client) probe(ctx context.Context) error { return c.Fail("open", c.look(ctx)) }

func (c *client) look(ctx context.Context) error {
	err := c.Remove(ctx, cas.Prefix("")+"probe", 0)
	if errors.Is(err, cas.ErrMiss) {
		return nil
	}
	return err
}

// Fail implements [cas.Items].
func (*client) Fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("session/couchbase: %s: %w", op, err)
}

// Close implements [io.Closer].
func (c *client) Close() error {
	if c.closed.Swap(true) || c.cluster == nil {
		return nil
	}
	return end(c.cluster)
}
