package redis

import (
	"context"
	"fmt"

	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// fail wraps an error of the client once. If ctx is done, it wraps the error of ctx instead.
func fail(ctx context.Context, op string, err error) error {
	return fmt.Errorf("session/redis: %s: %w", op, rediscall.Cause(ctx, err))
}
