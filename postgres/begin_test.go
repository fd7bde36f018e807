package postgres

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestBegin has the context end in the moment in which the connection is there: it is handed over, or closed.
func TestBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			ctx, cancel := context.WithCancel(t.Context())
			var closed atomic.Bool
			err := begin(ctx, func() error { cancel(); return nil }, func() { closed.Store(true) })
			synctest.Wait()
			if (err == nil) == closed.Load() {
				t.Fatalf("begin = %v, and closed is %v", err, closed.Load())
			}
		}
	})
}
