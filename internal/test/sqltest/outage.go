package sqltest

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/goroutines"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// lostAnswers runs lostAnswer with both ways of ending the connection.
func (e Engine) lostAnswers(t *testing.T) {
	proxy, dsn := e.proxied(t)
	t.Run("reset", func(t *testing.T) { e.lostAnswer(t, dsn, func() { proxy.ResetAfter(0) }) })
	t.Run("ended", func(t *testing.T) { e.lostAnswer(t, dsn, func() { proxy.TruncateAfter(0) }) })
}

// lostAnswer loses the answer to each kind of change. It checks that the call either finds out what happened, or returns an
// error that is neither a miss nor a conflict. lose ends the connection when the next answer comes.
func (e Engine) lostAnswer(t *testing.T, dsn string, lose func()) {
	b := e.own(t, dsn, 1) // one connection, which has all statements prepared
	ctx := t.Context()
	play := func(lost string) {
		key, to := sessiontest.Key(rand.Text()), sessiontest.Key(rand.Text())
		other, last := sessiontest.Key(rand.Text()), sessiontest.Key(rand.Text())
		mark := driver.Mark{Kind: 1, Expires: time.Now().Add(time.Hour)}
		rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a")}
		for _, op := range []struct {
			name string
			do   func() error
			at   string // where the record is afterwards
		}{
			{"Create", func() error { return b.Create(ctx, key, rec) }, key},
			{"Save", func() error { rec.Data = []byte("b"); return b.Save(ctx, key, rec) }, key},
			{"Touch", func() error { return b.Touch(ctx, key, rec.Expires.Add(time.Minute)) }, key},
			{"Load", func() error { return b.Load(ctx, key, new(driver.Record)) }, key},
			{"Rename", func() error { return b.(driver.Renamer).Rename(ctx, key, 2, to, rec, driver.Mark{}) }, to},
			{"Rename with a mark", func() error { return b.(driver.Renamer).Rename(ctx, to, 1, key, rec, mark) }, key},
			{"Mark of nothing", func() error { return b.(driver.Marker).Mark(ctx, other, 0, mark) }, ""},
			{"Mark", func() error { return b.(driver.Marker).Mark(ctx, key, 1, mark) }, ""},
			{"Create again", func() error { return b.Create(ctx, last, rec) }, last},
			{"Delete", func() error { return b.Delete(ctx, last, 1) }, ""},
		} {
			if op.name == lost {
				lose()
			}
			err := op.do()
			if op.name != lost && err == nil {
				continue
			}
			t.Logf("%s: %v", op.name, err)
			conflict := new(driver.ConflictError)
			if op.name != lost || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrExists) ||
				errors.As(err, &conflict) {
				t.Errorf("%s: %v, but whatever happened was this call's own doing", op.name, err)
			}
			if strings.HasPrefix(op.name, "Mark") && err != nil { // the error says that it is unknown whether the mark was made
				return
			}
			err = b.Load(ctx, op.at, new(driver.Record))
			if (op.at == "") != errors.Is(err, session.ErrNotFound) {
				t.Errorf("Load after %s: %v", op.name, err)
			}
			return
		}
	}
	for _, lost := range []string{"Create", "Save", "Touch", "Load", "Rename", "Rename with a mark", "Mark of nothing", "Mark", "Delete"} {
		play("")
		play(lost)
	}
}

// slowToOpen makes opening a connection take longer than a call may last. It checks that sessions are served again
// nevertheless, and that Close waits for no opening. Over an application's pool no session is served: that is why package
// sql has the opener. When this is no longer so, the opener can be removed.
func (e Engine) slowToOpen(t *testing.T) {
	proxy, dsn := e.proxied(t)
	own := e.own(t, dsn, 0)
	family := goroutines.NewFamily()
	family.Do(func() {
		b, err := e.Node(t.Context(), driver.Config{Config: dsn, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		key := sessiontest.Key("a")
		rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)}
		if err := b.Create(t.Context(), key, rec); err != nil {
			t.Fatal(err)
		}
		loadFrom := func(b driver.Backend, timeout time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			return b.Load(ctx, key, new(driver.Record))
		}
		load := func(timeout time.Duration) error { return loadFrom(b, timeout) }
		proxy.SetSlowness(1500 * time.Millisecond)
		proxy.Reset()
		accepted, tries := proxy.Accepted(), 0
		for range 20 {
			tries++
			if err = load(time.Second); err == nil {
				break
			}
			if errors.Is(err, session.ErrNotFound) {
				t.Errorf("Load = %v", err)
			}
		}
		if err != nil {
			t.Error("no connection was opened in 20 tries of a second")
		}
		opened, served := proxy.Accepted()-accepted, 0
		for range tries + 3 {
			if loadFrom(own, time.Second) == nil {
				served++
			}
		}
		t.Logf("connections take 1.5s to open and calls last 1s: the provider served try %d, with %d connections begun; a pool without "+
			"the opener served %d of %d tries, with %d begun", tries, opened, served, tries+3, proxy.Accepted()-accepted-opened)
		if served > 0 && e.App == nil {
			t.Error("database/sql goes on opening connections by itself: remove sql/opener.go")
		}

		var calls sync.WaitGroup // these leave connections behind, which are then lost
		for range 8 {
			calls.Go(func() { load(100 * time.Millisecond) })
		}
		calls.Wait()
		time.Sleep(2 * time.Second)
		proxy.SetSlowness(0)
		proxy.Reset()
		for range 4 {
			if err := b.Save(t.Context(), key, rec); err != nil {
				t.Errorf("Save = %v", err)
			}
		}

		proxy.SetSlowness(time.Hour)
		proxy.Reset()
		load(100 * time.Millisecond)
		begin := time.Now()
		if err := b.(io.Closer).Close(); err != nil || time.Since(begin) > 10*time.Second {
			t.Errorf("Close: %v after %v", err, time.Since(begin))
		}
	})
	family.Gone(t)
}

// A Failure is a config with which opening fails.
type Failure struct {
	Name   string // the name of the subtest
	Config string // the provider config
	Says   string // part of the error
	Silent bool   // nothing answers, so opening takes opTimeout
}

// OpenFails opens each config, and checks that the error comes in time, says what failed, shows no secret, and leaves
// nothing open.
func (e Engine) OpenFails(t *testing.T, secret string, failures []Failure) {
	family := goroutines.NewFamily()
	family.Do(func() {
		for _, tt := range failures {
			t.Run(tt.Name, func(t *testing.T) {
				opTimeout := 20 * time.Second // time for the server's answer on a slow machine
				if tt.Silent {
					opTimeout = time.Second
				}
				begin := time.Now()
				m, err := session.New(e.Provider(), session.NewManagerConfig(
					session.CfgProviderConfig(tt.Config), session.CfgOpTimeout(opTimeout)))
				if err == nil {
					m.Close()
					t.Fatal("New succeeded")
				}
				if took := time.Since(begin); took > opTimeout+3*time.Second {
					t.Errorf("New took %v", took)
				}
				if !strings.Contains(err.Error(), tt.Says) {
					t.Errorf("New: %v, want it to say %q", err, tt.Says)
				}
				if strings.Contains(err.Error(), secret) {
					t.Errorf("New shows the password: %v", err)
				}
			})
		}
	})
	family.Gone(t)
}
