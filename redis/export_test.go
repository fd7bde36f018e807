package redis

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// Over returns the backend over a client as New makes it.
func Over(ctx context.Context, rdb redis.UniversalClient, c driver.Config) (driver.Backend, error) {
	return newClient(rdb, false, replicas{}).backend(ctx, c, true)
}

// Lines is where go-redis is told to write.
var Lines = &rediscall.Lines

// The times of the index.
const Grace, Slack, Step = grace, slack, step
