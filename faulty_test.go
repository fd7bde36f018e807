package session_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memory"
)

// A fault is what becomes of a call to the store.
type fault string

const (
	refused fault = "refused" // an error at once; nothing was done
	silent  fault = "silent"  // no answer until the caller gives up; nothing was done
	unsaid  fault = "unsaid"  // it was done, but the answer was lost
)

var errDown = errors.New("the store is down")

// A faulty is a store out of this process that can fail. It counts calls.
type faulty struct {
	beneath driver.Backend

	mu    sync.Mutex
	calls []call        // since the last plan
	now   fault         // of every call
	nth   map[int]fault // of single calls, the first is 1
}

type call struct{ op, key string }

func newFaulty(t testing.TB) *faulty {
	t.Helper()
	b, err := memory.Open(t.Context(), driver.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &faulty{beneath: b}
}

// provider returns one whose managers all use f.
func (f *faulty) provider() session.Provider {
	return session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return f, nil })
}

// plan forgets the calls so far, and has the nth from now on fail.
func (f *faulty) plan(nth int, how fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.now, f.nth = nil, "", map[int]fault{nth: how}
}

// down has every call fail, until the next plan.
func (f *faulty) down(how fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.now, f.nth = nil, how, nil
}

// heal forgets the calls so far, and has all further ones work.
func (f *faulty) heal() { f.plan(0, "") }

// recorded returns the calls since the last plan.
func (f *faulty) recorded() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// ops returns their names.
func (f *faulty) ops() (ops []string) {
	for _, c := range f.recorded() {
		ops = append(ops, c.op)
	}
	return ops
}

// records returns how many live records there are.
func (f *faulty) records(t testing.TB) int {
	t.Helper()
	n, err := f.beneath.(driver.Counter).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (f *faulty) call(ctx context.Context, op, key string, do func() error) error {
	f.mu.Lock()
	f.calls = append(f.calls, call{op, key})
	how := f.now
	if how == "" {
		how = f.nth[len(f.calls)]
	}
	f.mu.Unlock()
	switch how {
	case refused:
		return errDown
	case silent:
		<-ctx.Done()
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil { // as a client of a server does
		return err
	}
	err := do()
	if how == unsaid {
		err = errDown
	}
	return err
}

func (f *faulty) Create(ctx context.Context, key string, rec *driver.Record) error {
	return f.call(ctx, "create", key, func() error { return f.beneath.Create(ctx, key, rec) })
}

func (f *faulty) Load(ctx context.Context, key string, rec *driver.Record) error {
	return f.call(ctx, "load", key, func() error { return f.beneath.Load(ctx, key, rec) })
}

func (f *faulty) Save(ctx context.Context, key string, rec *driver.Record) error {
	return f.call(ctx, "save", key, func() error { return f.beneath.Save(ctx, key, rec) })
}

func (f *faulty) Touch(ctx context.Context, key string, expires time.Time) error {
	return f.call(ctx, "touch", key, func() error { return f.beneath.Touch(ctx, key, expires) })
}

func (f *faulty) Delete(ctx context.Context, key string, version uint64) error {
	return f.call(ctx, "delete", key, func() error { return f.beneath.Delete(ctx, key, version) })
}
