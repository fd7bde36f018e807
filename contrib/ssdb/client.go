package ssdb

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/cas"
	"github.com/seed1a8f7c28/session/internal/framing"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// form is SSDB's: a name has 200 bytes at most, and no connection lets a value through that is longer than framing allows.
var form = cas.Form{Name: "ssdb", MaxName: 200, MaxValue: framing.MaxValue}

// A client is SSDB's [cas.Items]. SSDB does not number its values, so an item's number is a hash of the value, and calls that
// compare hold a lock of the name.
type client struct {
	rdb     *redis.Client
	logger  *slog.Logger
	later   time.Duration // see cas.Later
	seen    cas.Seen
	closing sync.Once
}

func newClient(o *redis.Options, c driver.Config) *client {
	rediscall.Lines.Add(c.Logger)
	return &client{rdb: redis.NewClient(o), logger: c.Logger, later: cas.Later(c.Beego)}
}

// locks are those of all names, for all backends of the process. Names that share one only wait for each other.
var locks [1024]chan struct{}

func init() {
	for i := range locks {
		locks[i] = make(chan struct{}, 1)
	}
}

var seed = maphash.MakeSeed()

// number returns the number of an item with this value. It is never 0.
func number(value string) uint64 { return maphash.String(seed, value) | 1 }

// lock locks a name until unlock is called.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	l := locks[maphash.String(seed, name)%uint64(len(locks))]
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Get implements [cas.Items].
func (c *client) Get(ctx context.Context, name string) (cas.Item, error) {
	value, err := c.get(ctx, name)
	if err != nil {
		return cas.Item{}, err
	}
	return cas.Item{Value: []byte(value), Number: number(value)}, nil
}

func (c *client) get(ctx context.Context, name string) (string, error) {
	cmd, err := c.do(ctx, true, func() redis.Cmder { return redis.NewStringCmd(ctx, "get", name) })
	if errors.Is(err, redis.Nil) {
		return "", cas.ErrMiss
	} else if err != nil {
		return "", err
	}
	return cmd.(*redis.StringCmd).Val(), nil
}

// Add implements [cas.Items].
func (c *client) Add(ctx context.Context, name string, item cas.Item) error {
	unlock, err := lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	switch _, err := c.get(ctx, name); {
	case err == nil:
		return cas.ErrTaken
	case !errors.Is(err, cas.ErrMiss):
		return err
	}
	return c.set(ctx, name, item)
}

// Replace implements [cas.Items].
func (c *client) Replace(ctx context.Context, name string, item cas.Item) error {
	return c.onlyIf(ctx, name, item.Number, func() error { return c.set(ctx, name, item) })
}

// onlyIf makes a change if the item has this number.
func (c *client) onlyIf(ctx context.Context, name string, is uint64, change func() error) error {
	unlock, err := lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	switch value, err := c.get(ctx, name); {
	case err != nil:
		return err
	case number(value) != is:
		return cas.ErrChanged
	}
	return change()
}

// set stores an item. SSDB knows the command setex, and ignores the options of set.
func (c *client) set(ctx context.Context, name string, item cas.Item) error {
	_, err := c.do(ctx, false, func() redis.Cmder {
		return redis.NewStatusCmd(ctx, "setex", name, c.seconds(item.Expires), item.Value)
	})
	return err
}

// seconds returns how long SSDB keeps an item, in whole seconds, which is all that it counts in.
func (c *client) seconds(expires time.Time) int64 {
	return max(int64((time.Until(expires)+c.later+time.Second-1)/time.Second), 1)
}

// Remove implements [cas.Items].
func (c *client) Remove(ctx context.Context, name string, number uint64) error {
	remove := func() error {
		_, err := c.do(ctx, true, func() redis.Cmder { return redis.NewIntCmd(ctx, "del", name) })
		return err
	}
	if number != 0 {
		return c.onlyIf(ctx, name, number, remove)
	}
	unlock, err := lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	return remove()
}

// Touch implements [cas.Items].
func (c *client) Touch(ctx context.Context, name string, expires time.Time) error {
	unlock, err := lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	cmd, err := c.do(ctx, true, func() redis.Cmder {
		return redis.NewIntCmd(ctx, "expire", name, c.seconds(expires))
	})
	if err == nil && cmd.(*redis.IntCmd).Val() == 0 {
		return cas.ErrMiss
	}
	return err
}

// Ping implements [driver.Pinger]. It removes a name that does not exist: a server that has become read-only refuses that.
func (c *client) Ping(ctx context.Context) error { return c.Fail("ping", c.look(ctx)) }

func (c *client) look(ctx context.Context) error { return c.Remove(ctx, cas.Prefix("")+"probe", 0) }

// do sends a command. It repeats what was certainly not run, and with again also what may have been. command returns it for
// each try.
func (c *client) do(ctx context.Context, again bool, command func() redis.Cmder) (redis.Cmder, error) {
	for r := (rediscall.Retries{}); ; {
		cmd := command()
		err := c.rdb.Process(ctx, cmd)
		switch {
		case err == nil, errors.Is(err, redis.Nil):
			return cmd, err
		case !r.May(err, !again), !r.Pause(ctx):
			return cmd, rediscall.Cause(ctx, err)
		}
	}
}

// Fail implements [cas.Items].
func (*client) Fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("session/ssdb: %s: %w", op, err)
}

// Cut implements [cas.Items].
func (*client) Cut(err error) bool { return rediscall.Lost(err) }

// Close implements [io.Closer].
func (c *client) Close() (err error) {
	c.closing.Do(func() {
		err = c.rdb.Close()
		rediscall.Lines.Remove(c.logger)
	})
	return err
}
