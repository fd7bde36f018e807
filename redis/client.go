package redis

import (
	"context"
	"log/slog"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// A client is the part that both layouts share: the connections and how they are used.
type client struct {
	rdb     redis.UniversalClient
	owned   bool // Close closes rdb
	ordered bool // a single server runs the commands of a pipeline in order
	replicas

	pipes sync.Pool // of empty [redis.Pipeliner]s

	logger  *slog.Logger // receives the log lines of go-redis
	closing sync.Once
}

func newClient(rdb redis.UniversalClient, owned bool, r replicas) *client {
	_, single := rdb.(*redis.Client)
	return &client{rdb: rdb, owned: owned, ordered: single, replicas: r}
}

// pipeline returns an empty pipeline for one run.
func (s *client) pipeline() redis.Pipeliner {
	if pipe, ok := s.pipes.Get().(redis.Pipeliner); ok {
		return pipe
	}
	return s.rdb.Pipeline()
}

// run sends the commands of a pipeline, which is empty afterwards. The errors are in the commands.
func (s *client) run(ctx context.Context, pipe redis.Pipeliner) {
	pipe.Exec(ctx)
	s.pipes.Put(pipe)
}

// Close implements [io.Closer]. It does not close a client that the application passed to New.
func (s *client) Close() (err error) {
	s.closing.Do(func() {
		if s.owned {
			err = s.rdb.Close()
		}
		rediscall.Lines.Remove(s.logger)
	})
	return err
}

// Ping implements [driver.Pinger]. It succeeds if every master answers.
func (s *client) Ping(ctx context.Context) error {
	err := s.eachMaster(ctx, func(ctx context.Context, node redis.UniversalClient) error {
		return node.Ping(ctx).Err()
	})
	if err != nil {
		return fail(ctx, "ping", err)
	}
	return nil
}

// eachMaster calls do for each server that has its own keys. If there are several, it uses goroutines.
func (s *client) eachMaster(ctx context.Context, do func(ctx context.Context, node redis.UniversalClient) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	one := func(ctx context.Context, node *redis.Client) error { return do(ctx, node) }
	switch c := s.rdb.(type) {
	case interface {
		ForEachMaster(context.Context, func(context.Context, *redis.Client) error) error
	}:
		return c.ForEachMaster(ctx, one)
	case interface {
		ForEachShard(context.Context, func(context.Context, *redis.Client) error) error
	}:
		return c.ForEachShard(ctx, one)
	}
	return do(ctx, s.rdb)
}
