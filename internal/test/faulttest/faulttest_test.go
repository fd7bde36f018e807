package faulttest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/memory"
)

// A faulty is a store out of this process. Each call of it takes a moment, and does what hook makes of it.
type faulty struct {
	driver.Backend
	hook atomic.Pointer[hook]
}

// A hook may do what it likes in place of do.
type hook func(ctx context.Context, op string, do func() error) error

func (f *faulty) call(ctx context.Context, op string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	time.Sleep(100 * time.Microsecond)
	if h := f.hook.Load(); h != nil {
		return (*h)(ctx, op, do)
	}
	return do()
}

func (f *faulty) Create(ctx context.Context, key string, rec *driver.Record) error {
	return f.call(ctx, "create", func() error { return f.Backend.Create(ctx, key, rec) })
}

func (f *faulty) Load(ctx context.Context, key string, rec *driver.Record) error {
	return f.call(ctx, "load", func() error { return f.Backend.Load(ctx, key, rec) })
}

func (f *faulty) Save(ctx context.Context, key string, rec *driver.Record) error {
	return f.call(ctx, "save", func() error { return f.Backend.Save(ctx, key, rec) })
}

func (f *faulty) Delete(ctx context.Context, key string, version uint64) error {
	return f.call(ctx, "delete", func() error { return f.Backend.Delete(ctx, key, version) })
}

// Unwrap hides what the memory store could do beyond that.
func (f *faulty) Unwrap() driver.Backend { return nil }

func newFaulty(t *testing.T) (f *faulty, open func(opts ...session.ManagerConfigOpt) (*session.Manager, error)) {
	t.Helper()
	b, err := memory.Open(t.Context(), driver.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f = &faulty{Backend: b}
	return f, func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		return session.New(session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
			return f, nil
		}), session.NewManagerConfig(opts...))
	}
}

var errDown = errors.New("the store is down")

// fails has calls fail until enough requests have.
func (f *faulty) fails(h hook) func(r *faulttest.Round) {
	return func(r *faulttest.Round) {
		r.Broken()
		f.hook.Store(&h)
		r.Failures(40)
		f.hook.Store(nil)
		r.Mended()
	}
}

var (
	down    hook = func(context.Context, string, func() error) error { return errDown }
	silent  hook = func(ctx context.Context, _ string, _ func() error) error { <-ctx.Done(); return ctx.Err() }
	refuses hook = func(_ context.Context, op string, do func() error) error {
		if op == "load" {
			return do()
		}
		return errDown
	}
)

// unsaid returns a hook that loses the answer to each nth save.
func unsaid(n uint64) hook {
	var calls atomic.Uint64
	return func(_ context.Context, op string, do func() error) error {
		err := do()
		if op == "save" && err == nil && calls.Add(1)%n == 0 {
			return errDown
		}
		return err
	}
}

func TestGood(t *testing.T) {
	for _, tt := range []struct {
		name string
		hook hook
		faulttest.Setup
		want func(r faulttest.Result) bool
	}{
		{"down", down, faulttest.Setup{Fails: faulttest.Some, Refused: isDown}, func(r faulttest.Result) bool {
			return r.Failed > 0 && r.Last > 0 // a save after one that was refused may be unclear, if others saved in between
		}},
		{"silent", silent, faulttest.Setup{Fails: faulttest.Some, OpTimeout: 300 * time.Millisecond}, func(r faulttest.Result) bool {
			return r.Failed > 0 && r.Slowest > 290*time.Millisecond
		}},
		{"refuses to save", refuses, faulttest.Setup{Fails: faulttest.Some, Refused: isDown}, func(r faulttest.Result) bool {
			return r.Failed == 0 && r.Refused > 0
		}},
		{"answers lost", unsaid(2), faulttest.Setup{Fails: faulttest.Some}, func(r faulttest.Result) bool {
			return r.Unclear > 0
		}},
		{"answers lost, all", unsaid(1), faulttest.Setup{Fails: faulttest.Some}, func(r faulttest.Result) bool {
			return r.Unclear > 0
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, open := newFaulty(t)
			tt.Open = open
			if r := faulttest.Run(t, tt.Setup, f.fails(tt.hook)); r.Acked == 0 || r.Ended == 0 || r.Lost > 0 || !tt.want(r) {
				t.Errorf("seen: %v", r)
			}
		})
	}
}

// TestErrorsInTheEnd has a call fail now and then, as on a machine with too much to do, also when the clients have ended.
func TestErrorsInTheEnd(t *testing.T) {
	f, open := newFaulty(t)
	var calls atomic.Uint64
	var seventh hook = func(_ context.Context, _ string, do func() error) error {
		if calls.Add(1)%7 == 0 {
			return errDown
		}
		return do()
	}
	f.hook.Store(&seventh)
	faulttest.Run(t, faulttest.Setup{Open: open}, func(*faulttest.Round) {})
}

func isDown(err error) bool { return errors.Is(err, errDown) }
