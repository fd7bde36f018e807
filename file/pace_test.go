package file

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// TestPace lets a sweep work for a time in which requests come or do not.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Uint64
		pace := &pace{calls: &calls, since: time.Now()}
		for _, step := range []struct {
			what   string
			calls  uint64
			worked time.Duration
			rest   time.Duration
		}{
			{"nobody comes", 0, time.Second, 0},
			{"nobody comes, for a moment", 0, time.Millisecond, 0},
			{"somebody comes", 1, time.Millisecond, time.Millisecond},
			{"nobody comes any more", 0, time.Millisecond, 0},
			{"many come", 1000, 3 * time.Millisecond, 3 * time.Millisecond},
			{"many come, in a second", 1000, time.Second, 10 * time.Millisecond},
			{"somebody comes at the beginning of a millisecond", 1, 400 * time.Microsecond, 0},
			{"and is seen at its end", 0, 600 * time.Microsecond, time.Millisecond},
		} {
			calls.Add(step.calls)
			time.Sleep(step.worked)
			before := time.Now()
			pace.rest()
			if rest := time.Since(before); rest != step.rest {
				t.Errorf("%s: a rest of %v, want %v", step.what, rest, step.rest)
			}
		}
	})
}

// TestPaceSeesRequests has a sweep notice each call of a request, and not its own.
func TestPaceSeesRequests(t *testing.T) {
	ctx, rec := t.Context(), testRecord("", "x")
	expired := func() *driver.Record {
		rec := testRecord("", "x")
		rec.Expires = time.Now().Add(-time.Second)
		return rec
	}
	s := newTestStore(t, t.TempDir(), none)
	b, err := openBeego(config{path: t.TempDir()}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	type call struct {
		name string
		do   func() error
	}
	for _, tt := range []struct {
		name  string
		s     *store
		calls []call
		b     interface {
			driver.Backend
			driver.Sweeper
		}
	}{
		{"own files", s, []call{
			{"Mark", func() error { return s.Mark(ctx, "marked", 0, driver.Mark{Kind: 1, Expires: rec.Expires}) }},
			{"Reserve", func() error {
				_, err := s.Reserve(ctx, "ann", "to be", rec.Expires, 1, false)
				return err
			}},
			{"ListUser", func() error {
				for _, err := range s.ListUser(ctx, "ann") {
					return err
				}
				return nil
			}},
			{"Rename", func() error { return s.Rename(ctx, "key", 1, "other", testRecord("", "x"), driver.Mark{}) }},
		}, s},
		{"beego's", b.s, nil, b},
	} {
		saved := testRecord("", "x")
		for _, call := range append([]call{
			{"Create", func() error { return tt.b.Create(ctx, "key", saved) }},
			{"Load", func() error { return tt.b.Load(ctx, "key", new(driver.Record)) }},
			{"Touch", func() error { return tt.b.Touch(ctx, "key", rec.Expires.Add(time.Minute)) }},
		}, append(tt.calls, []call{
			{"Save", func() error { return tt.b.Save(ctx, "nobody's", saved) }},
			{"Delete", func() error { return tt.b.Delete(ctx, "nobody's", 0) }},
		}...)...) {
			before := tt.s.calls.Load()
			if err := call.do(); err != nil && call.name != "Save" {
				t.Errorf("%s, %s: %v", tt.name, call.name, err)
			}
			if n := tt.s.calls.Load() - before; n != 1 {
				t.Errorf("%s: %s counts %d times", tt.name, call.name, n)
			}
		}
		if err := tt.b.Create(ctx, "over", expired()); err != nil {
			t.Fatal(err)
		}
		before := tt.s.calls.Load()
		if n, err := tt.b.Sweep(ctx, nil); n != 1 || err != nil {
			t.Errorf("%s: Sweep = %d, %v", tt.name, n, err)
		}
		if n := tt.s.calls.Load() - before; n != 0 {
			t.Errorf("%s: a sweep counts %d calls of its own", tt.name, n)
		}
	}
}
