package pause_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session/internal/pause"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if !pause.For(t.Context(), time.Second) || time.Since(begin) != time.Second {
			t.Errorf("waited for %v", time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin = time.Now()
		if pause.For(ctx, time.Minute) || time.Since(begin) != time.Second {
			t.Errorf("with a context that ends after a second, waited for %v", time.Since(begin))
		}
		if pause.For(ctx, 0) {
			t.Error("a context that is done is none to go on with")
		}
	})
}
