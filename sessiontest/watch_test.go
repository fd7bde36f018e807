package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
)

// TestWatchUnsupported has a store whose Watch works, but not where it is: behind a pooler, for example. Its cases are left
// out. Any other error is a failure.
func TestWatchUnsupported(t *testing.T) {
	for _, tt := range []struct {
		err  error
		fits bool
	}{{fmt.Errorf("watch: %w", errors.ErrUnsupported), true}, {errors.New("watch: refused"), false}} {
		for _, c := range watchCases {
			r := runCase(t, Harness{}, c, func(n *node) driver.Backend {
				return &altered{node: n, watch: func(context.Context, func(), func(string)) error { return tt.err }}
			})
			if r.Failed() == tt.fits || r.skipped != tt.fits {
				t.Errorf("%s, %v: failed: %t, left out: %t\n%s", c.name, tt.err, r.Failed(), r.skipped, &r.log)
			}
		}
	}
}
