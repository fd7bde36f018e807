package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// heartbeat is how long a watch trusts a connection on which nothing arrives.
const heartbeat = 5 * time.Second

// Watch implements [driver.Watcher] with publish and subscribe: the scripts that remove a session publish its key, and
// Clear publishes the empty key. If the ACL user may not subscribe, the error wraps [errors.ErrUnsupported].
func (s *store) Watch(ctx context.Context, resync func(), destroyed func(key string)) error {
	sub := s.rdb.Subscribe(ctx, s.keys.channel())
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { sub.Close() })()
	pinged := false
	for {
		m, err := sub.ReceiveTimeout(ctx, heartbeat)
		if ctx.Err() != nil {
			return fmt.Errorf("session/redis: watch: %w", ctx.Err())
		}
		if redis.HasErrorPrefix(err, "NOPERM") {
			return fmt.Errorf("session/redis: watch: %w: %w", errors.ErrUnsupported, err)
		}
		if err != nil {
			if !rediscall.TimedOut(err) || pinged || sub.Ping(ctx) != nil {
				return fail(ctx, "watch", err)
			}
			pinged = true
			continue
		}
		pinged = false
		switch m := m.(type) {
		case *redis.Subscription: // at the beginning, and when the client has connected again
			resync()
		case *redis.Message:
			if m.Payload == "" {
				resync()
			} else {
				destroyed(m.Payload)
			}
		case *redis.Pong:
		default:
			return fmt.Errorf("session/redis: watch: %w", rediscall.ErrUnexpected)
		}
	}
}

// announceAll tells the watchers to check everything. A user who may not publish has no watchers.
func (s *store) announceAll(ctx context.Context) error {
	c := plainCall("publish", s.keys.channel(), "")
	err := s.send(ctx, "clear", c)
	if _, answered := errors.AsType[redis.Error](err); answered {
		return nil
	}
	return err
}
