package session_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// An event handler that panics in the sweep ends neither the process nor the sweep, and the Logger hears of it.
func TestAPanicInTheSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log reports
		told := make(map[string]int)
		m := newManager(t, append(log.options(), session.CfgMaxLifeTime(60), session.CfgSweepInterval(10*time.Minute),
			session.CfgOnDestroy(func(_ context.Context, e session.Event) {
				told[e.User]++
				panic("of " + e.User + ", a secret")
			}))...)
		m.GC()
		for _, user := range []string{"ann", "bob", "cat"} {
			login(t, m, user)
		}
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if len(told) != 3 || m.Stats().Swept != 3 {
			t.Errorf("told of %v, swept %d, want 3", told, m.Stats().Swept)
		}
		login(t, m, "dan")
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if told["dan"] != 1 {
			t.Error("there is no sweep after one with a panic")
		}
		text, errs := log.taken()
		if strings.Count(text, "OnDestroy panicked") != 4 || len(errs) != 0 {
			t.Errorf("logged %q, reported %v", text, errs)
		}
		if !strings.Contains(text, "guard_test.go") {
			t.Error("the log does not say where")
		}
		if strings.Contains(text, "secret") {
			t.Error("the log shows the text of the panic")
		}
	})
}

// What else of an application's or a provider's runs on the manager's own goroutines may panic, too: they go on.
func TestAPanicBesideARequest(t *testing.T) {
	failing := func(t *testing.T) (*faulty, session.Provider) {
		p := newTap(t)
		return p.faulty, p.provider()
	}
	panics := func(http.ResponseWriter, *http.Request, error) { panic("a secret") }
	t.Run("ErrorHandler, in the sweep", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var log reports
			f, p := failing(t)
			m := newNode(t, p, append(log.options(), session.CfgErrorHandler(panics), session.CfgSweepInterval(10*time.Minute))...)
			f.down(refused)
			m.GC()
			time.Sleep(15 * time.Minute)
			text, _ := log.taken()
			if strings.Count(text, "sweep failed") != 2 || strings.Count(text, "ErrorHandler panicked") != 2 {
				t.Errorf("logged %q", text)
			}
		})
	})
	t.Run("ErrorHandler, while watching", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b, _ := sharedMemory(t)
			h := &hub{optionals: b.(optionals), broken: true}
			var log reports
			m := newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return h, nil }),
				append(log.options(), session.CfgErrorHandler(panics))...)
			c := login(t, m, "ann")
			done := watched(t, m, c).Done()
			time.Sleep(time.Second)
			if err := h.optionals.Delete(t.Context(), watched(t, m, c).ID(), 0); err != nil { // as another node would
				t.Fatal(err)
			}
			time.Sleep(3 * session.PollInterval)
			if !ended(done) {
				t.Error("the watch does not go on")
			}
			if text, _ := log.taken(); !strings.Contains(text, "ErrorHandler panicked") {
				t.Errorf("logged %q", text)
			}
		})
	})
	t.Run("Logger", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, p := failing(t)
			var told int
			m := newNode(t, p, session.CfgLogger(slog.New(panicking{slog.DiscardHandler})), session.CfgSweepInterval(10*time.Minute),
				session.CfgMarkLifetime(-1), // for want of a Marker, New would log
				session.CfgErrorHandler(func(http.ResponseWriter, *http.Request, error) { told++ }))
			f.down(refused)
			m.GC()
			time.Sleep(15 * time.Minute)
			synctest.Wait()
			if told != 2 {
				t.Errorf("the ErrorHandler is told %d times, want 2", told)
			}
		})
	})
	t.Run("a provider's sweep", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for name, p := range map[string]session.Provider{
				"third party": panickingShelf{newShelf()},
				"backend": session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
					return panickingSweep{newTap(t)}, nil
				}),
			} {
				var log reports
				m := newNode(t, p, append(log.options(), session.CfgSweepInterval(10*time.Minute))...)
				m.GC()
				time.Sleep(15 * time.Minute)
				if text, _ := log.taken(); strings.Count(text, "the sweep panicked") != 2 {
					t.Errorf("%s: logged %q", name, text)
				}
			}
		})
	})
	t.Run("a provider's watch", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b, _ := sharedMemory(t)
			w := &panickingWatch{optionals: b.(optionals)}
			var log reports
			m := newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return w, nil }),
				log.options()...)
			c := login(t, m, "ann")
			s := watched(t, m, c)
			w.now.Store(true)
			done := s.Done()
			time.Sleep(3 * session.PollInterval)
			w.now.Store(false)
			if err := b.Delete(t.Context(), s.ID(), 0); err != nil { // as another node would
				t.Fatal(err)
			}
			time.Sleep(3 * session.PollInterval)
			if !ended(done) {
				t.Error("the watch does not go on")
			}
			text, _ := log.taken()
			for _, what := range []string{"watching sessions panicked", "looking for a session panicked"} {
				if !strings.Contains(text, what) {
					t.Errorf("logged %q, not %q", text, what)
				}
			}
		})
	})
}

// On a request's goroutine a panic is the application's to see.
func TestAPanicInARequest(t *testing.T) {
	m := newManager(t, session.CfgOnCreate(func(context.Context, session.Event) { panic("seen") }))
	defer func() {
		if v := recover(); v != "seen" {
			t.Errorf("recovered %v", v)
		}
	}()
	seed(t, m, nil)
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool { panic("a secret") }

type panickingShelf struct{ *shelf }

func (panickingShelf) SessionGC(context.Context) { panic("a secret") }

type panickingSweep struct{ *tap }

func (panickingSweep) Sweep(context.Context, func(key, user string)) (int, error) {
	panic(errors.New("a secret"))
}

// A panickingWatch panics from now on.
type panickingWatch struct {
	optionals
	now atomic.Bool
}

func (w *panickingWatch) Load(ctx context.Context, key string, rec *driver.Record) error {
	if w.now.Load() {
		panic("a secret")
	}
	return w.optionals.Load(ctx, key, rec)
}

func (w *panickingWatch) Watch(ctx context.Context, _ func(), _ func(key string)) error {
	if w.now.Load() {
		panic("a secret")
	}
	<-ctx.Done()
	return ctx.Err()
}
