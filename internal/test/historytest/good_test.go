package historytest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
	"github.com/seed1a8f7c28/session/memory"
)

// engine is all that a store out of this process has.
type engine interface {
	driver.Backend
	driver.Renamer
	driver.Marker
	driver.Lister
	driver.UserLister
	driver.UserLimiter
	driver.Counter
	driver.Sweeper
	driver.Clearer
}

// A store is one out of this process, although it is memory.
type store struct{ engine }

func newStore(t testing.TB) store {
	t.Helper()
	b, err := memory.Open(context.Background(), driver.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return store{b.(engine)}
}

// An opener returns what one more node uses.
type opener func() driver.Backend

// open returns how to open managers.
func open(node opener) func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		return session.New(session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
			return node(), nil
		}), session.NewManagerConfig(opts...))
	}
}

// TestGood has engines that are right, though some are odd: nothing is said of them.
func TestGood(t *testing.T) {
	for _, tt := range []struct {
		name  string
		seeds uint64
		open  func(s store) opener
		fails bool
	}{
		{"memory", 10, func(s store) opener { return func() driver.Backend { return s } }, false},
		{"slow", 3, one(isSlow), false},
		{"conflicts for no reason", 3, one(conflictsAtRandom), false},
		{"errors that wrap others", 3, one(wrapsErrors), false},
		{"answers are lost", 5, one(losesAnswers), true},
		{"answers are lost, and what is done comes late", 5, one(savesLate), true},
		{"copies instead of renaming", 3, func(s store) opener {
			return func() driver.Backend { return renameless{s, s, s, s, s} }
		}, false},
		{"keeps no marks", 3, func(s store) opener {
			return func() driver.Backend { return markless{s, s, s, s, s} }
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var running sync.WaitGroup
			for seed := range tt.seeds {
				running.Go(func() {
					historytest.Run(t, historytest.Setup{
						Open: open(tt.open(newStore(t))), Fails: tt.fails, NoMarks: tt.name == "keeps no marks",
						CountsTwice: tt.name == "copies instead of renaming",
						Duration:    time.Second, Requests: 400, Seed: seed + 1,
					})
				})
			}
			running.Wait()
		})
	}
}

var errLost = errors.New("the answer is lost")

func isSlow(s store) altered {
	pause := func() { time.Sleep(time.Duration(rand.IntN(int(3 * time.Millisecond)))) }
	return altered{
		load: func(ctx context.Context, key string, rec *driver.Record) error {
			pause()
			defer pause()
			return s.Load(ctx, key, rec)
		},
		save: func(ctx context.Context, key string, rec *driver.Record) error {
			pause()
			defer pause()
			return s.Save(ctx, key, rec)
		},
		rename: func(ctx context.Context, r renaming) error {
			pause()
			defer pause()
			return r.on(ctx, s)
		},
		mark: func(ctx context.Context, key string, version uint64, mark driver.Mark) error {
			pause()
			defer pause()
			return s.Mark(ctx, key, version, mark)
		},
		remove: func(ctx context.Context, key string, version uint64) error {
			pause()
			defer pause()
			return s.Delete(ctx, key, version)
		},
	}
}

func conflictsAtRandom(s store) altered {
	return altered{save: func(ctx context.Context, key string, rec *driver.Record) error {
		var found driver.Record
		if rand.IntN(5) == 0 && s.Load(ctx, key, &found) == nil {
			return &driver.ConflictError{Record: &found}
		}
		return s.Save(ctx, key, rec)
	}}
}

func wrapsErrors(s store) altered {
	wrap := func(err error) error {
		if err != nil {
			return fmt.Errorf("a store: %w", err)
		}
		return nil
	}
	return altered{
		load: func(ctx context.Context, key string, rec *driver.Record) error { return wrap(s.Load(ctx, key, rec)) },
		save: func(ctx context.Context, key string, rec *driver.Record) error { return wrap(s.Save(ctx, key, rec)) },
		touch: func(ctx context.Context, key string, expires time.Time) error {
			return wrap(s.Touch(ctx, key, expires))
		},
	}
}

// losesAnswers does what it is asked, and says now and then that it does not know.
func losesAnswers(s store) altered {
	lost := func(err error) error {
		if rand.IntN(20) == 0 {
			return errLost
		}
		return err
	}
	return altered{
		load: func(ctx context.Context, key string, rec *driver.Record) error { return lost(s.Load(ctx, key, rec)) },
		save: func(ctx context.Context, key string, rec *driver.Record) error {
			sent := *rec // what the caller has is as it was
			err := s.Save(ctx, key, &sent)
			if err = lost(err); err == nil {
				rec.Version = sent.Version
			}
			return err
		},
		remove: func(ctx context.Context, key string, version uint64) error {
			return lost(s.Delete(ctx, key, version))
		},
		rename: func(ctx context.Context, r renaming) error {
			sent, rec := *r.rec, r.rec
			r.rec = &sent
			err := lost(r.on(ctx, s))
			if err == nil {
				rec.Version = sent.Version
			}
			return err
		},
		mark: func(ctx context.Context, key string, version uint64, mark driver.Mark) error {
			return lost(s.Mark(ctx, key, version, mark))
		},
	}
}

// savesLate saves a while after it has said that it does not know.
func savesLate(s store) altered {
	return altered{save: func(ctx context.Context, key string, rec *driver.Record) error {
		if rand.IntN(20) == 0 {
			sent := *rec
			time.AfterFunc(time.Duration(rand.IntN(20))*time.Millisecond, func() { _ = s.Save(context.Background(), key, &sent) })
			return errLost
		}
		return s.Save(ctx, key, rec)
	}}
}

// A renameless store has sessions under two sids for a moment. It can still keep marks, list and limit users.
type renameless struct {
	driver.Backend
	driver.Marker
	driver.Lister
	driver.UserLister
	driver.UserLimiter
}

// A markless store forgets a sid that was replaced.
type markless struct {
	driver.Backend
	driver.Renamer
	driver.Lister
	driver.UserLister
	driver.UserLimiter
}
