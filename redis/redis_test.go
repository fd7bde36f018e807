package redis_test

import (
	"context"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestContract(t *testing.T) {
	sessiontest.Run(t, sessiontest.Harness{Store: func(t testing.TB) sessiontest.Open {
		return func(ctx context.Context, c session.BackendConfig) (session.Backend, error) {
			c.Config = "127.0.0.1:17001"
			return redis.Open(ctx, c)
		}
	}})
}
