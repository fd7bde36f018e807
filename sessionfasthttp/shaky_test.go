package sessionfasthttp_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memory"
)

var errDown = errors.New("the store is down")

// A shaky is a store out of this process that can fail, at once or by not answering.
type shaky struct {
	driver.Backend
	down, silent atomic.Bool
}

func newShaky(t testing.TB) *shaky {
	t.Helper()
	b, err := memory.Open(t.Context(), driver.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &shaky{Backend: b}
}

func (b *shaky) provider() session.Provider {
	return session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return b, nil })
}

func (b *shaky) fault(ctx context.Context) error {
	if b.silent.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if b.down.Load() {
		return errDown
	}
	return nil
}

// records returns how many live records there are.
func (b *shaky) records(t testing.TB) int {
	t.Helper()
	n, err := b.Backend.(driver.Counter).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (b *shaky) Create(ctx context.Context, key string, rec *driver.Record) error {
	if err := b.fault(ctx); err != nil {
		return err
	}
	return b.Backend.Create(ctx, key, rec)
}

func (b *shaky) Load(ctx context.Context, key string, rec *driver.Record) error {
	if err := b.fault(ctx); err != nil {
		return err
	}
	return b.Backend.Load(ctx, key, rec)
}

func (b *shaky) Save(ctx context.Context, key string, rec *driver.Record) error {
	if err := b.fault(ctx); err != nil {
		return err
	}
	return b.Backend.Save(ctx, key, rec)
}

func (b *shaky) Delete(ctx context.Context, key string, version uint64) error {
	if err := b.fault(ctx); err != nil {
		return err
	}
	return b.Backend.Delete(ctx, key, version)
}
