package session_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

const (
	contenders = 32
	saves      = 100
)

// contend has 32 clients of one session each save 100 times, in requests of their own.
func contend(t *testing.T, c *client, nodes []*session.Manager, change func(s *session.Session, goroutine, i int)) {
	var all sync.WaitGroup
	for g := range contenders {
		all.Go(func() {
			m := nodes[g%len(nodes)]
			for i := range saves {
				s, err := m.Start(httptest.NewRecorder(), c.request())
				if err != nil {
					t.Errorf("Start: %v", err)
					return
				}
				change(s, g, i)
				if err := s.Save(t.Context()); err != nil {
					t.Errorf("Save: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
}

// shared runs test with one manager, with two of one provider, and with two nodes of one store.
func shared(t *testing.T, test func(t *testing.T, nodes []*session.Manager)) {
	run := func(name string, providers ...session.Provider) {
		t.Run(name, func(t *testing.T) {
			var nodes []*session.Manager
			for _, p := range providers {
				nodes = append(nodes, newNode(t, p))
			}
			test(t, nodes)
		})
	}
	for kind, open := range bothKinds {
		run(kind+"/one manager", open(t))
		p := open(t)
		run(kind+"/two managers", p, p)
	}
	store := newTap(t)
	run("two nodes", store.provider(), store.provider())
}

// Each client finds in its own key what it saved there last, 3200 times.
func TestOwnKeys3200(t *testing.T) {
	shared(t, func(t *testing.T, nodes []*session.Manager) {
		c := seed(t, nodes[0], nil)
		var found atomic.Int64
		contend(t, c, nodes, func(s *session.Session, goroutine, i int) {
			if got := s.Get(t.Context(), goroutine); i > 0 && got == i {
				found.Add(1)
			}
			set(t, s, goroutine, i+1)
		})
		for g := range contenders {
			if c.value(t, nodes[0], g) == saves {
				found.Add(1)
			}
		}
		if n := found.Load(); n != contenders*saves {
			t.Errorf("%d of %d saves", n, contenders*saves)
		}
	})
}

func TestSharedIncrement3200(t *testing.T) {
	shared(t, func(t *testing.T, nodes []*session.Manager) {
		c := seed(t, nodes[0], nil)
		contend(t, c, nodes, func(s *session.Session, _, _ int) { increment(t, s, "n", 1) })
		if got := c.value(t, nodes[0], "n"); got != int64(contenders*saves) {
			t.Errorf("n = %v, want %d", got, contenders*saves)
		}
	})
}

// A distant backend takes its time for the way there, and for the way back.
type distant struct {
	driver.Backend
	conflicts atomic.Int64
}

func travel() { time.Sleep(450*time.Microsecond + rand.N(100*time.Microsecond)) }

func (d *distant) Load(ctx context.Context, key string, rec *driver.Record) error {
	travel()
	defer travel()
	return d.Backend.Load(ctx, key, rec)
}

func (d *distant) Save(ctx context.Context, key string, rec *driver.Record) error {
	travel()
	defer travel()
	err := d.Backend.Save(ctx, key, rec)
	if _, ok := errors.AsType[*driver.ConflictError](err); ok {
		d.conflicts.Add(1)
	}
	return err
}

// No node keeps the others from saving, however many saves of its own are waiting. Managers of one provider
// are one node: their saves queue together.
func TestManyNodesGetTheirSavesThrough(t *testing.T) {
	for name, tt := range map[string]struct{ nodes, managers int }{
		"two nodes": {2, 1}, "eight nodes": {8, 1}, "one node with four managers": {1, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &distant{Backend: newFaulty(t)}
				var all []*session.Manager
				for range tt.nodes {
					p := session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return d, nil })
					for range tt.managers {
						all = append(all, newNode(t, p, session.CfgOpTimeout(2*time.Second)))
					}
				}
				c := seed(t, all[0], nil)
				contend(t, c, all, func(s *session.Session, _, _ int) { increment(t, s, "n", 1) })
				if got := c.value(t, all[0], "n"); got != int64(contenders*saves) {
					t.Errorf("n = %v, want %d", got, contenders*saves)
				}
				if n := d.conflicts.Load(); (n == 0) != (tt.nodes == 1) {
					t.Errorf("%d conflicts", n)
				}
			})
		})
	}
}

// A steady backend takes the same time for each save, and notes how long nobody saved before it.
type steady struct {
	driver.Backend
	ended time.Time
	idle  []time.Duration
}

// callTime is how long a save takes.
const callTime = 2 * time.Millisecond

func (b *steady) Save(ctx context.Context, key string, rec *driver.Record) error {
	b.idle = append(b.idle, time.Since(b.ended))
	defer func() { b.ended = time.Now() }()
	time.Sleep(callTime)
	return b.Backend.Save(ctx, key, rec)
}

// A row of saves that wait for each other on one node makes gaps, each long enough for a call of another node. Without
// them what that has loaded would be changed again each time its save arrives, until the row is over.
func TestALongRowMakesGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &steady{Backend: newFaulty(t)}
		m := newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return b, nil }))
		c := seed(t, m, nil)
		const row = 100
		var all sync.WaitGroup
		for range row {
			s := start(t, m, httptest.NewRecorder(), c.request())
			increment(t, s, "n", 1)
			all.Go(func() {
				if err := s.Save(t.Context()); err != nil {
					t.Errorf("Save: %v", err)
				}
			})
		}
		all.Wait()
		gaps := 0
		for _, idle := range b.idle[1:] { // nothing was saved before the first
			if idle >= callTime {
				gaps++
			}
			if idle > 3*callTime {
				t.Errorf("a gap of %v among saves that take %v", idle, callTime)
			}
		}
		if want := row / 8; gaps < want-1 || gaps > want+1 {
			t.Errorf("%d gaps in a row of %d, want %d", gaps, row, want)
		}
	})
}

// An Update that takes long is saved although others save the session all the time: after one lost try they wait for it.
func TestASlowUpdateIsSaved(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, map[any]any{"n": 0})
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s, runs := start(t, m, w, r), 0
		err := s.Update(r.Context(), "n", func(old any) (any, error) {
			if runs++; runs > 1 { // in Save, not in Update
				saved := make(chan struct{})
				go func() {
					defer close(saved)
					c.do(func(w http.ResponseWriter, r *http.Request) {
						other := start(t, m, w, r)
						set(t, other, "other", runs)
						save(t, other)
					})
				}()
				select {
				case <-saved:
				case <-time.After(50 * time.Millisecond): // it waits
				}
			}
			return old.(int) + 1, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		c.do(func(w http.ResponseWriter, r *http.Request) { // the first conflict
			other := start(t, m, w, r)
			set(t, other, "other", 0)
			save(t, other)
		})
		save(t, s)
		if runs > 4 {
			t.Errorf("the update ran %d times", runs)
		}
	})
	if got := c.value(t, m, "n"); got != 1 {
		t.Errorf("n = %v, want 1", got)
	}
}
