package historytest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
)

// runs is how often each broken engine has to be caught, of so many times.
const runs = 5

// longest is how many calls may be shown to prove a fault.
const longest = 8

// TestBroken has engines that are broken, each in its own way: each run says by what rule, and shows it by a few calls.
func TestBroken(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rules []string // one of which is shown
		open  func(s store) opener
	}{
		{"saves over other versions", []string{value, exact}, one(savesBlindly)},
		{"a save brings a session back", []string{dead}, one(saveCreates)},
		{"a deleted session comes back", []string{dead}, one(comesBack)},
		{"deadlines are never moved earlier", []string{deadline}, one(neverShortens)},
		{"the old sid lives on", []string{dead, once}, one(renameCopies)},
		{"loads from a cache", []string{value, exact, dead}, caches},
		{"one save of fifty is dropped", []string{value, exact, dead}, one(dropsSaves)},
		{"one load of fifty is another's", []string{others}, one(mixesUp)},
		{"a save forgets the user", []string{others}, one(forgetsUsers)},
		{"the limit is not kept", []string{limit}, one(reservesNothing)},
		{"the latest login is ended", []string{room}, one(evictsLatest)},
		{"one too many is ended", []string{room}, one(evictsOneMore)},
		{"a save that was made is a conflict", []string{exact}, one(conflictsAfterSaving)},
		{"a conflict shows what is old", []string{value, exact}, one(conflictsWithOld)},
		{"one session of fifty is gone", []string{lost}, one(losesSessions)},
		{"touches are not made", []string{lost}, one(touchesNothing)},
		{"replaced sids are forgotten", []string{late}, one(leavesNoMarks)},
		{"what is gone was replaced", []string{late}, one(marksAll)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var running sync.WaitGroup
			for seed := range uint64(runs) {
				running.Go(func() {
					got, said := untilCaught(t, func() historytest.Setup {
						return historytest.Setup{Open: open(tt.open(newStore(t))), Fails: true, Seed: seed + 1}
					})
					shown := wantShown(t, got, tt.rules, said)
					if seed == 0 {
						t.Logf("for example: %s", shown)
					}
				})
			}
			running.Wait()
		})
	}
}

// wantShown checks that one of the rules is among those of which the test has told, shown by few calls.
func wantShown(t *testing.T, got historytest.Result, rules []string, said string) (shown historytest.Violation) {
	t.Helper()
	for _, v := range got.Faults {
		if slices.Contains(rules, v.Rule) && v.Events() <= longest && strings.Contains(said, v.String()) {
			return v
		}
	}
	t.Errorf("not caught by its rule; said %q", said)
	return shown
}

// untilCaught has clients use a broken engine, three times as long each time, until something is said of it.
func untilCaught(t *testing.T, setup func() historytest.Setup) (got historytest.Result, said string) {
	t.Helper()
	for n := 300; ; n *= 3 {
		r, s := &recorder{TB: t}, setup()
		s.Requests, s.Duration = n, time.Duration(n)*time.Millisecond
		if got = historytest.Run(r, s); len(got.Faults) > 0 || n > 8000 {
			return got, r.errors.String()
		}
	}
}

// The rules, as they are said.
const (
	value    = "a key has the value of its last save"
	exact    = "increments and updates are made once"
	others   = "nobody sees another's values or user"
	dead     = "nothing comes back from the dead"
	lost     = "a session that nobody has ended is found"
	deadline = "a session is gone at its deadline"
	once     = "a session gets one new sid"
	late     = "a request whose sid was replaced gets no other session"
	limit    = "no user has more sessions than the limit"
	room     = "a login ends no session that it need not end"
)

// A recorder is a test whose failures are expected.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	errors strings.Builder
}

func (r *recorder) Helper()             {}
func (r *recorder) Log(...any)          {}
func (r *recorder) Logf(string, ...any) {}

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

// one has all nodes use one altered store.
func one(alter func(s store) altered) func(s store) opener {
	return func(s store) opener {
		a := alter(s)
		a.engine = s
		return func() driver.Backend { return &a }
	}
}

// A renaming is what a Rename is given.
type renaming struct {
	oldKey  string
	version uint64
	newKey  string
	rec     *driver.Record
	mark    driver.Mark
}

func (r renaming) on(ctx context.Context, e driver.Renamer) error {
	return e.Rename(ctx, r.oldKey, r.version, r.newKey, r.rec, r.mark)
}

// An altered is a store with some of its calls replaced.
type altered struct {
	engine
	load    func(ctx context.Context, key string, rec *driver.Record) error
	save    func(ctx context.Context, key string, rec *driver.Record) error
	touch   func(ctx context.Context, key string, expires time.Time) error
	remove  func(ctx context.Context, key string, version uint64) error
	rename  func(ctx context.Context, r renaming) error
	mark    func(ctx context.Context, key string, version uint64, mark driver.Mark) error
	reserve func(ctx context.Context, user, key string, until time.Time, max int, evict bool) ([]string, error)
}

func (a *altered) Load(ctx context.Context, key string, rec *driver.Record) error {
	if a.load != nil {
		return a.load(ctx, key, rec)
	}
	return a.engine.Load(ctx, key, rec)
}

func (a *altered) Save(ctx context.Context, key string, rec *driver.Record) error {
	if a.save != nil {
		return a.save(ctx, key, rec)
	}
	return a.engine.Save(ctx, key, rec)
}

func (a *altered) Touch(ctx context.Context, key string, expires time.Time) error {
	if a.touch != nil {
		return a.touch(ctx, key, expires)
	}
	return a.engine.Touch(ctx, key, expires)
}

func (a *altered) Delete(ctx context.Context, key string, version uint64) error {
	if a.remove != nil {
		return a.remove(ctx, key, version)
	}
	return a.engine.Delete(ctx, key, version)
}

func (a *altered) Rename(
	ctx context.Context, oldKey string, version uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	r := renaming{oldKey, version, newKey, rec, mark}
	if a.rename != nil {
		return a.rename(ctx, r)
	}
	return r.on(ctx, a.engine)
}

func (a *altered) Mark(ctx context.Context, key string, version uint64, mark driver.Mark) error {
	if a.mark != nil {
		return a.mark(ctx, key, version, mark)
	}
	return a.engine.Mark(ctx, key, version, mark)
}

func (a *altered) Reserve(ctx context.Context, user, key string, until time.Time, max int, evict bool) ([]string, error) {
	if a.reserve != nil {
		return a.reserve(ctx, user, key, until, max, evict)
	}
	return a.engine.Reserve(ctx, user, key, until, max, evict)
}

// every returns a function that is true each nth time.
func every(n uint64) func() bool {
	var calls atomic.Uint64
	return func() bool { return calls.Add(1)%n == 0 }
}

func savesBlindly(s store) altered {
	return altered{save: func(ctx context.Context, key string, rec *driver.Record) error {
		for {
			err := s.Save(ctx, key, rec)
			conflict, ok := errors.AsType[*driver.ConflictError](err)
			if !ok {
				return err
			}
			rec.Version = conflict.Record.Version
		}
	}}
}

func saveCreates(s store) altered {
	return altered{save: func(ctx context.Context, key string, rec *driver.Record) error {
		err := s.Save(ctx, key, rec)
		if errors.Is(err, session.ErrNotFound) {
			return s.Create(ctx, key, rec)
		}
		return err
	}}
}

func comesBack(s store) altered {
	return altered{remove: func(ctx context.Context, key string, version uint64) error {
		var rec driver.Record
		if s.Load(ctx, key, &rec) == nil {
			time.AfterFunc(2*time.Millisecond, func() { _ = s.Create(context.Background(), key, &rec) })
		}
		return s.Delete(ctx, key, version)
	}}
}

func neverShortens(s store) altered {
	return altered{save: func(ctx context.Context, key string, rec *driver.Record) error {
		rec.Shorten = false
		return s.Save(ctx, key, rec)
	}}
}

func renameCopies(s store) altered {
	return altered{rename: func(ctx context.Context, r renaming) error {
		r.mark = driver.Mark{} // in place of which the old record stays
		var old driver.Record
		err := s.Load(ctx, r.oldKey, &old)
		if err == nil {
			err = r.on(ctx, s)
		}
		if err == nil {
			err = s.Create(ctx, r.oldKey, &old)
		}
		return err
	}}
}

// caches has each node show for a while what it has loaded before.
func caches(s store) opener {
	return func() driver.Backend {
		type cached struct {
			rec driver.Record
			at  time.Time
		}
		var mu sync.Mutex
		cache := make(map[string]cached)
		return &altered{engine: s, load: func(ctx context.Context, key string, rec *driver.Record) error {
			mu.Lock()
			defer mu.Unlock()
			if c, ok := cache[key]; ok && time.Since(c.at) < 10*time.Millisecond {
				*rec = c.rec
				return nil
			}
			err := s.Load(ctx, key, rec)
			if err == nil {
				cache[key] = cached{*rec, time.Now()}
			}
			return err
		}}
	}
}

func dropsSaves(s store) altered {
	drop := every(50)
	return altered{save: func(ctx context.Context, key string, rec *driver.Record) error {
		if drop() {
			rec.Version++
			return nil
		}
		return s.Save(ctx, key, rec)
	}}
}

func mixesUp(s store) altered {
	mix := every(50)
	var mu sync.Mutex
	var last driver.Record
	return altered{load: func(ctx context.Context, key string, rec *driver.Record) error {
		mu.Lock()
		defer mu.Unlock()
		if mix() && last.Version > 0 {
			*rec = last
			return nil
		}
		err := s.Load(ctx, key, rec)
		if err == nil {
			last = *rec
		}
		return err
	}}
}

func forgetsUsers(s store) altered {
	return altered{save: func(ctx context.Context, key string, rec *driver.Record) error {
		rec.User = ""
		return s.Save(ctx, key, rec)
	}}
}

func reservesNothing(s store) altered {
	return altered{reserve: func(context.Context, string, string, time.Time, int, bool) ([]string, error) { return nil, nil }}
}

func evictsLatest(s store) altered {
	return altered{reserve: func(ctx context.Context, user, key string, until time.Time, max int, evict bool) ([]string, error) {
		var latest driver.Entry
		n := 0
		for e := range s.ListUser(ctx, user) {
			if n++; e.AuthTime.After(latest.AuthTime) {
				latest = e
			}
		}
		if n < max || !evict {
			return s.Reserve(ctx, user, key, until, max, evict)
		}
		return []string{latest.Key}, s.Delete(ctx, latest.Key, 0)
	}}
}

func evictsOneMore(s store) altered {
	return altered{reserve: func(ctx context.Context, user, key string, until time.Time, max int, evict bool) ([]string, error) {
		return s.Reserve(ctx, user, key, until, max-1, evict)
	}}
}

func conflictsAfterSaving(s store) altered {
	again := every(30)
	return altered{save: func(ctx context.Context, key string, rec *driver.Record) error {
		err := s.Save(ctx, key, rec)
		if err == nil && again() {
			found := *rec
			return &driver.ConflictError{Record: &found}
		}
		return err
	}}
}

func conflictsWithOld(s store) altered {
	var mu sync.Mutex
	old := make(map[string][]byte)
	return altered{save: func(ctx context.Context, key string, rec *driver.Record) error {
		mu.Lock()
		defer mu.Unlock()
		var before driver.Record
		_ = s.Load(ctx, key, &before)
		err := s.Save(ctx, key, rec)
		if conflict, ok := errors.AsType[*driver.ConflictError](err); ok && old[key] != nil {
			conflict.Record.Data = old[key]
		}
		if err == nil {
			old[key] = before.Data
		}
		return err
	}}
}

func losesSessions(s store) altered {
	lose := every(50)
	return altered{save: func(ctx context.Context, key string, rec *driver.Record) error {
		err := s.Save(ctx, key, rec)
		if err == nil && lose() {
			return s.Delete(ctx, key, 0)
		}
		return err
	}}
}

func touchesNothing(s store) altered {
	return altered{touch: func(context.Context, string, time.Time) error { return nil }}
}

func leavesNoMarks(s store) altered {
	return altered{rename: func(ctx context.Context, r renaming) error {
		r.mark = driver.Mark{}
		return r.on(ctx, s)
	}}
}

func marksAll(s store) altered {
	return altered{load: func(ctx context.Context, key string, rec *driver.Record) error {
		err := s.Load(ctx, key, rec)
		if errors.Is(err, driver.ErrNotFound) {
			return &driver.MarkedError{Mark: driver.Mark{Kind: 1, Expires: time.Now().Add(time.Minute)}}
		}
		return err
	}}
}
