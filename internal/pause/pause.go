// Package pause waits with a context.
package pause

import (
	"context"
	"time"
)

// For waits for d, or until ctx is done. It returns false if ctx is done.
func For(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
