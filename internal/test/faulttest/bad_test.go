package faulttest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
)

// A recorder is a test whose failures are expected.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	errors strings.Builder
}

func (r *recorder) Helper()         {}
func (r *recorder) Log(args ...any) {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.errors, format+"\n", args...)
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.errors.Len() > 0
}

// TestBad has stores break each rule: that is what is said.
func TestBad(t *testing.T) {
	some := func(op string, nth uint64, bad func(ctx context.Context, do func() error) error) hook { // of the calls of op
		var calls atomic.Uint64
		return func(ctx context.Context, called string, do func() error) error {
			if called == op && calls.Add(1)%nth == 0 {
				return bad(ctx, do)
			}
			return do()
		}
	}
	for _, tt := range []struct {
		name string
		hook hook
		faulttest.Setup
		says string
	}{
		{"acknowledges what it does not save", some("save", 10, func(context.Context, func() error) error { return nil }), faulttest.Setup{}, "lost: "},
		{"says that it refuses what it saves", some("save", 10, func(_ context.Context, do func() error) error {
			_ = do()
			return errDown
		}), faulttest.Setup{Refused: isDown}, "made twice: "},
		{"forgets sessions", some("load", 10, func(context.Context, func() error) error { return session.ErrNotFound }), faulttest.Setup{}, "live cookie answers 1 Set-Cookie"},
		{"deletes nothing", some("delete", 10, func(context.Context, func() error) error { return nil }), faulttest.Setup{}, "that was ended is back"},
		{"ignores the end of the context", some("load", 200, func(context.Context, func() error) error {
			time.Sleep(20 * time.Second) // on a machine that pauses for a second a call may take five and more
			return errDown
		}), faulttest.Setup{OpTimeout: 500 * time.Millisecond}, "Start has taken"},
		{"ends with the client", some("save", 10, func(context.Context, func() error) error { return context.Canceled }), faulttest.Setup{}, "has hung up"},
		{"leaves a goroutine", some("load", 10, func(_ context.Context, do func() error) error {
			go func() { <-t.Context().Done() }()
			return do()
		}), faulttest.Setup{}, "goroutines are left"},
		{"fails", some("load", 10, func(context.Context, func() error) error { return errDown }), faulttest.Setup{Fails: faulttest.None}, "requests have failed"},
		{"does not fail", func(_ context.Context, _ string, do func() error) error { return do() }, faulttest.Setup{Fails: faulttest.Some}, "there was no fault"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, open := newFaulty(t)
			tt.Open = open
			r := &recorder{TB: t}
			faulttest.Run(r, tt.Setup, func(r *faulttest.Round) {
				r.Broken()
				f.hook.Store(&tt.hook)
				r.Answers(400)
				f.hook.Store(nil)
			})
			if got := r.errors.String(); !strings.Contains(got, tt.says) {
				t.Errorf("said %q, want %q", got, tt.says)
			}
		})
	}
	t.Run("stays down", func(t *testing.T) {
		t.Parallel()
		f, open := newFaulty(t)
		r := &recorder{TB: t}
		faulttest.Run(r, faulttest.Setup{Open: open, Recovery: time.Second}, func(*faulttest.Round) { f.hook.Store(&down) })
		if got := r.errors.String(); !strings.Contains(got, "served after the fault") {
			t.Errorf("said %q", got)
		}
	})
	t.Run("does not open", func(t *testing.T) {
		t.Parallel()
		r := &recorder{TB: t}
		faulttest.Run(r, faulttest.Setup{Open: func(...session.ManagerConfigOpt) (*session.Manager, error) { return nil, errDown }},
			func(*faulttest.Round) { t.Error("the fault") })
		if got := r.errors.String(); !strings.Contains(got, errDown.Error()) {
			t.Errorf("said %q", got)
		}
	})
}

// TestLoses has a store go back in time: what it has lost is counted, and an error only if it was not to be expected.
func TestLoses(t *testing.T) {
	for _, loses := range []bool{false, true} {
		t.Run(fmt.Sprint(loses), func(t *testing.T) {
			t.Parallel()
			f, open := newFaulty(t)
			kept := newKeeper(f)
			r := &recorder{TB: t}
			seen := faulttest.Run(r, faulttest.Setup{Open: open, Loses: loses}, func(r *faulttest.Round) {
				r.Broken()
				kept.keep()
				r.Answers(100)
				kept.restore()
			})
			if seen.Lost == 0 || seen.LostOver == 0 || r.Failed() == loses {
				t.Errorf("seen: %v; said %q", seen, r.errors.String())
			}
		})
	}
}

// A keeper is a store that can go back to what it had.
type keeper struct {
	driver.Backend
	mu   sync.RWMutex
	live map[string]driver.Record
	old  map[string]driver.Record
}

func newKeeper(f *faulty) *keeper {
	k := &keeper{live: make(map[string]driver.Record)}
	f.Backend = k
	return k
}

func (k *keeper) keep() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.old = make(map[string]driver.Record)
	for key, rec := range k.live {
		k.old[key] = rec
	}
}

func (k *keeper) restore() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.live = k.old
}

func (k *keeper) Create(_ context.Context, key string, rec *driver.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	rec.Version = 1
	k.live[key] = *rec
	return nil
}

func (k *keeper) Load(_ context.Context, key string, rec *driver.Record) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	found, ok := k.live[key]
	if !ok {
		return session.ErrNotFound
	}
	*rec = found
	return nil
}

func (k *keeper) Save(_ context.Context, key string, rec *driver.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch found, ok := k.live[key]; {
	case !ok:
		return session.ErrNotFound
	case found.Version != rec.Version:
		return &driver.ConflictError{Record: &found}
	}
	rec.Version++
	k.live[key] = *rec
	return nil
}

func (k *keeper) Delete(_ context.Context, key string, version uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if found, ok := k.live[key]; ok && version != 0 && found.Version != version {
		return errors.New("not called like that")
	}
	delete(k.live, key)
	return nil
}
