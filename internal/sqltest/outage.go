package sqltest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// counting increments a value of the session of a cookie, and counts what was acknowledged and what failed.
type counting struct {
	m      *session.Manager
	cookie string
	acked  int64
	failed int64
}

func newCounting(t testing.TB, m *session.Manager) *counting {
	return &counting{m: m, cookie: visitor(t, m)}
}

func (c *counting) increment() error {
	s, err := start(c.m, c.cookie)
	if err == nil {
		_, err = s.Increment(context.Background(), "n", 1)
	}
	if err == nil {
		err = s.Save(context.Background())
	}
	if err == nil {
		c.acked++
	} else {
		c.failed++
	}
	return err
}

// check waits until the store answers again, and compares what is stored. A change that failed may have been
// stored; none counts twice.
func (c *counting) check(t testing.TB) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s, err := start(c.m, c.cookie)
		if err == nil {
			n, _ := s.Get(t.Context(), "n").(int64)
			if n < c.acked || n > c.acked+c.failed {
				t.Errorf("%d increments were acknowledged and %d failed, the value is %d", c.acked, c.failed, n)
			}
			return
		}
		if errors.Is(err, session.ErrNotFound) || time.Now().After(limit) {
			t.Errorf("Start: %v", err)
			return
		}
	}
}

// Broken breaks connections under load: nothing that was acknowledged is lost, nothing counts twice, nobody is logged
// out, and afterwards all work again.
func (e Engine) Broken(t *testing.T, config string, rounds int, disrupt func(round int)) {
	m := Manager(t, e.Provider(), append(e.Options, session.CfgProviderConfig(config), session.CfgOpTimeout(time.Second))...)
	var all []*counting
	for range 4 {
		all = append(all, newCounting(t, m))
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for _, c := range all {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := c.increment(); err != nil {
					if errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrDestroyed) {
						t.Errorf("an outage is no miss: %v", err)
						return
					}
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	for round := range rounds {
		time.Sleep(time.Duration(20+mathrand.N(30)) * time.Millisecond)
		disrupt(round)
	}
	close(done)
	wg.Wait()
	var acked, failed int64
	for _, c := range all {
		c.check(t)
		if err := c.increment(); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		acked, failed = acked+c.acked, failed+c.failed
	}
	t.Logf("%d increments acknowledged, %d failed", acked, failed)
}

// LostAnswer loses the answer of each kind of change. The call then either resolves what has become of it, or returns
// an error that is neither a miss nor a conflict. lose ends the connection when the next answer comes.
func (e Engine) LostAnswer(t *testing.T, dsn string, lose func()) {
	db := e.DB(t, dsn)
	db.SetMaxOpenConns(1) // the one that has all statements prepared
	b := e.Open(t, db)
	ctx := t.Context()
	play := func(lost string) {
		key, to := sessiontest.Key(rand.Text()), sessiontest.Key(rand.Text())
		rec := &session.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour), Data: []byte("a")}
		for _, op := range []struct {
			name string
			do   func() error
			at   string // where the record is afterwards
		}{
			{"Create", func() error { return b.Create(ctx, key, rec) }, key},
			{"Save", func() error { rec.Data = []byte("b"); return b.Save(ctx, key, rec) }, key},
			{"Touch", func() error { return b.Touch(ctx, key, rec.Expires.Add(time.Minute)) }, key},
			{"Load", func() error { return b.Load(ctx, key, new(session.Record)) }, key},
			{"Rename", func() error { return b.(session.Renamer).Rename(ctx, key, 2, to, rec) }, to},
			{"Delete", func() error { return b.Delete(ctx, to, 1) }, ""},
		} {
			if op.name == lost {
				lose()
			}
			err := op.do()
			if op.name != lost && err == nil {
				continue
			}
			t.Logf("%s: %v", op.name, err)
			conflict := new(session.ConflictError)
			if op.name != lost || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrExists) ||
				errors.As(err, &conflict) {
				t.Errorf("%s: %v, but whatever happened was this call's own doing", op.name, err)
			}
			err = b.Load(ctx, op.at, new(session.Record))
			if (op.at == "") != errors.Is(err, session.ErrNotFound) {
				t.Errorf("Load after %s: %v", op.name, err)
			}
			return
		}
	}
	for _, lost := range []string{"Create", "Save", "Touch", "Load", "Rename", "Delete"} {
		play("")
		play(lost)
	}
}

// Silent has the server not answer: a request ends in time, and the next ones work when it answers again.
func (e Engine) Silent(t *testing.T, config string, silence func(on bool)) {
	m := Manager(t, e.Provider(), session.CfgProviderConfig(config), session.CfgOpTimeout(300*time.Millisecond))
	c := newCounting(t, m)
	for range 3 {
		if err := c.increment(); err != nil {
			t.Fatal(err)
		}
	}
	silence(true)
	for range 3 {
		begin := time.Now()
		err := c.increment()
		if took := time.Since(begin); err == nil || took > 2*time.Second {
			t.Errorf("%v after %v, want an error after 300ms", err, took)
		}
	}
	silence(false)
	c.check(t)
}

// A Failure is a config that cannot be opened.
type Failure struct {
	Name   string // of the subtest
	Config string // the provider's
	Says   string // part of the error
}

// OpenFails opens what cannot be opened: the error comes in time, says what failed and shows no secret; nothing is
// left open.
func (e Engine) OpenFails(t *testing.T, secret string, failures []Failure) {
	before := runtime.NumGoroutine()
	for _, tt := range failures {
		t.Run(tt.Name, func(t *testing.T) {
			begin := time.Now()
			m, err := session.New(e.Provider(), session.NewManagerConfig(
				session.CfgProviderConfig(tt.Config), session.CfgOpTimeout(time.Second)))
			if err == nil {
				m.Close()
				t.Fatal("New succeeded")
			}
			if took := time.Since(begin); took > 4*time.Second {
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
	for limit := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before+2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
}

// SetUp checks what is done about the table.
func (e Engine) SetUp(t *testing.T) {
	config := func(dsn, table, schema string) string {
		return fmt.Sprintf(`{"dsn": %q, "table": %q, "schema": %q}`, dsn, table, schema)
	}
	open := func(config string) error {
		m, err := session.New(e.Provider(), session.NewManagerConfig(session.CfgProviderConfig(config)))
		if err == nil {
			_, err = m.GetProvider().SessionRead(t.Context(), strings.Repeat("0123456789abcdef", 2))
			m.Close()
		}
		return err
	}
	dsn := e.Database(t)
	db := e.DB(t, dsn)
	Exec(t, db, "CREATE TABLE others (id INTEGER, title VARCHAR(10))")
	for _, tt := range []struct{ name, config, says string }{
		{"checked, not there", config(dsn, "app_sessions", "check"), "cannot read the table app_sessions"},
		{"another application's", config(dsn, "others", "create"), "lacks the columns ns, version, user_id"},
		{"made", config(dsn, "app_sessions", "create"), ""},
		{"checked", config(dsn, "app_sessions", "check"), ""},
		{"not looked at", config(dsn, "app_sessions", "off"), ""},
		{"a reserved word", config(dsn, "order", "create"), ""},
		{"not looked at, not there", config(dsn, "nowhere", "off"), "nowhere"},
	} {
		err := open(tt.config)
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
	Exec(t, db, "ALTER TABLE app_sessions DROP COLUMN deadline_at")
	if err := open(config(dsn, "app_sessions", "create")); err == nil || !strings.Contains(err.Error(), "lacks the columns deadline_at") {
		t.Errorf("without a column: %v", err)
	}

	fresh := e.Database(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			p := e.Provider()
			if err := p.SessionInit(context.Background(), 60, fresh); err != nil {
				t.Errorf("nodes that make the table together: %v", err)
				return
			}
			p.(io.Closer).Close()
		})
	}
	wg.Wait()
}
