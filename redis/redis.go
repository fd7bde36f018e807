// Package redis keeps sessions in Redis 7 or later.
package redis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
)

func init() {
	session.Register(session.ProviderRedis, session.NewProvider(Open))
}

// Open opens
func Open(ctx context.Context, c session.BackendConfig) (session.Backend, error) {
	rdb := redis.NewClient(&redis.Options{
		Addr: c.Config, MaxRetries: -1, ContextTimeoutEnabled: true, PipelinePoolSize: -1,
		DialTimeout: 2 * time.Second, DialerRetries: 1, ReadTimeout: 3 * time.Second,
	})
	return &store{newClient(rdb, true, replicas{}), keysOf(c.Namespace)}, nil
}
