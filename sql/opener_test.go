package sql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A gate is a server that takes its time to let connections in.
type gate struct {
	takes []time.Duration // the first connection, the second and so on; the last one for all after it
	err   error
	deaf  bool // goes on when the context is over

	begun, open atomic.Int64
	lost        atomic.Bool // what was opened before is no longer connected
	silent      atomic.Bool // nothing answers
}

func (g *gate) Driver() sqldriver.Driver { return nil }

func (g *gate) Connect(ctx context.Context) (sqldriver.Conn, error) {
	n := min(int(g.begun.Add(1)), len(g.takes))
	if g.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	select {
	case <-time.After(g.takes[n-1]):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if g.err != nil {
		return nil, g.err
	}
	g.open.Add(1)
	g.lost.Store(false)
	return &gateConn{of: g}, nil
}

type gateConn struct {
	sqldriver.Conn
	of *gate
}

func (c *gateConn) Close() error {
	c.of.open.Add(-1)
	return nil
}

func (c *gateConn) Ping(ctx context.Context) error {
	if c.of.silent.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if c.of.lost.Load() {
		return errors.New("lost")
	}
	return nil
}

func (o *opener) count() int { return len(o.room) }

func newPool(t *testing.T, g *gate, maxOpen int) (*sql.DB, *opener) {
	o := newOpener(g, maxOpen)
	o.keep.Store(true)
	db := sql.OpenDB(o)
	db.SetMaxOpenConns(maxOpen)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if n := g.open.Load(); n != 0 {
			t.Errorf("%d connections are open after Close", n)
		}
	})
	return db, o
}

func call(t *testing.T, db *sql.DB, d time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return db.PingContext(ctx)
}

// TestSlowToOpen has connections take longer to open than a call may last.
func TestSlowToOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{takes: []time.Duration{7 * time.Second}}
		db, o := newPool(t, g, 4)
		begin := time.Now()
		if err := call(t, db, 5*time.Second); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 5*time.Second {
			t.Errorf("the first call: %v after %v", err, time.Since(begin))
		}
		if err := call(t, db, 5*time.Second); err != nil || time.Since(begin) != 7*time.Second {
			t.Errorf("the next call: %v after %v", err, time.Since(begin))
		}
		synctest.Wait()
		if n := o.count(); n != 0 {
			t.Errorf("%d are still being opened", n)
		}
		if err := call(t, db, time.Second); err != nil || db.Stats().OpenConnections != 1 {
			t.Errorf("one more: %v with %d connections", err, db.Stats().OpenConnections)
		}
	})
}

// TestOpenForLater has the next call come when the connection is open, and when it was for too long.
func TestOpenForLater(t *testing.T) {
	for wait, after := range map[time.Duration]time.Duration{20 * time.Second: 0, time.Minute: 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{takes: []time.Duration{7 * time.Second}}
			db, _ := newPool(t, g, 4)
			call(t, db, time.Second)
			time.Sleep(wait)
			if is := g.open.Load() == 1; is != (after == 0) {
				t.Errorf("%v later %d connections are open", wait, g.open.Load())
			}
			begin := time.Now()
			if err := call(t, db, time.Minute); err != nil || time.Since(begin) != after {
				t.Errorf("%v later: %v after %v, want %v", wait, err, time.Since(begin), after)
			}
		})
	}
}

// TestDeadOpening has the first connection never open: it holds up no other.
func TestDeadOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{takes: []time.Duration{time.Hour, time.Second}}
		db, o := newPool(t, g, 1)
		call(t, db, 5*time.Second)
		begin := time.Now()
		if err := call(t, db, 5*time.Second); err != nil || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		time.Sleep(openTime)
		if n := o.count(); n != 0 {
			t.Errorf("%d are being opened", n)
		}
	})
}

// giveUp has four calls give up at a time.
func giveUp(t *testing.T, db *sql.DB) {
	for range 4 {
		go call(t, db, 100*time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
}

// TestOpeningsAreFew has as many calls give up as the pool has connections, again and again: so many openings go on.
func TestOpeningsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, o := newPool(t, &gate{takes: []time.Duration{time.Hour}}, 4)
		for range 20 {
			giveUp(t, db)
			if n := o.count(); n != 4 {
				t.Fatalf("%d are being opened, want 4", n)
			}
		}
	})
}

// TestNoDeadline is about what database/sql opens itself, for calls that waited for others to end.
func TestNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, o := newPool(t, &gate{takes: []time.Duration{7 * time.Second}}, 1)
		begin := time.Now()
		if _, err := o.Connect(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != waitTime {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		conn, err := o.Connect(t.Context())
		if err != nil || time.Since(begin) != 7*time.Second {
			t.Fatalf("%v after %v", err, time.Since(begin))
		}
		conn.Close()
	})
}

// TestLostUnused has a connection be lost while it waits for a call.
func TestLostUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{takes: []time.Duration{2 * time.Second}}
		db, _ := newPool(t, g, 4)
		call(t, db, time.Second)
		time.Sleep(5 * time.Second)
		g.lost.Store(true)
		begin := time.Now()
		if err := call(t, db, time.Minute); err != nil || time.Since(begin) != 2*time.Second || g.open.Load() != 1 {
			t.Errorf("%v after %v, and %d connections are open", err, time.Since(begin), g.open.Load())
		}
	})
}

// TestDeaf has a driver open connections to their end whatever the context says.
func TestDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{takes: []time.Duration{time.Hour}, deaf: true}
		db, o := newPool(t, g, 4)
		for range 20 {
			giveUp(t, db)
		}
		if n := o.count(); n != 8 {
			t.Errorf("%d are being opened, want 8", n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n, open := o.count(), g.open.Load(); n != 0 || open != 0 {
			t.Errorf("%d are being opened and %d are open", n, open)
		}
	})
}

// TestRoom has as many openings hang as may be: a call that comes then begins its own as soon as one of them is given up.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _ := newPool(t, &gate{takes: []time.Duration{time.Hour, time.Hour, time.Millisecond}}, 1)
		call(t, db, time.Second)
		go call(t, db, time.Second)
		time.Sleep(500 * time.Millisecond)
		begin := time.Now()
		if err := call(t, db, 4*time.Second); err != nil || time.Since(begin) > time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// TestSilentUnused has connections that wait for a call say nothing any more.
func TestSilentUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{takes: []time.Duration{2 * time.Second}}
		db, _ := newPool(t, g, 4)
		for range 4 {
			go call(t, db, time.Second)
		}
		time.Sleep(5 * time.Second)
		g.silent.Store(true)
		if err := call(t, db, 1500*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) || g.open.Load() != 2 {
			t.Errorf("%v, and %d connections are open", err, g.open.Load())
		}
	})
}

// TestOpensInTheEnd has a call that has time go on when database/sql has waited in vain for it.
func TestOpensInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _ := newPool(t, &gate{takes: []time.Duration{7 * time.Second}}, 1)
		s := &store{db: newDBPool(db, true), resends: true, dialect: &Dialect{Retry: func(error) bool { return false }}}
		go call(t, db, time.Second)
		time.Sleep(500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.do(ctx, func() error { return db.PingContext(ctx) }); err != nil {
			t.Error(err)
		}

		db, _ = newPool(t, &gate{takes: []time.Duration{time.Hour, time.Hour, time.Hour, time.Hour, time.Second}}, 1)
		ctx, cancel = context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if err := s.do(ctx, func() error { return db.PingContext(ctx) }); err != nil {
			t.Errorf("a call with time for five openings: %v", err)
		}

		db, _ = newPool(t, &gate{takes: []time.Duration{time.Hour}}, 1)
		begin := time.Now()
		err := s.do(t.Context(), func() error { return db.PingContext(t.Context()) })
		if took := time.Since(begin); !errors.Is(err, errNotOpen) || took < 3*waitTime || took > 4*waitTime {
			t.Errorf("a call without an end: %v after %v", err, took)
		}
	})
}

// TestOpenerErrors has each call get the error of its own connection.
func TestOpenerErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		db, o := newPool(t, &gate{takes: []time.Duration{7 * time.Second}, err: refused}, 4)
		call(t, db, 5*time.Second)
		begin := time.Now()
		if err := call(t, db, time.Minute); !errors.Is(err, refused) || time.Since(begin) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		synctest.Wait()
		if n := o.count(); n != 0 {
			t.Errorf("%d are being opened", n)
		}
		if err := call(t, db, time.Second); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "refused") {
			t.Errorf("a call that cannot wait: %v", err)
		}
	})
}

// TestOpenerCloses has Close come while one connection is open for nobody and one is being opened for nobody, and then
// while a call waits.
func TestOpenerCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{takes: []time.Duration{2 * time.Second, time.Hour}}
		db, o := newPool(t, g, 2)
		go call(t, db, time.Second)
		call(t, db, time.Second)
		time.Sleep(5 * time.Second)
		if open, openings := g.open.Load(), o.count(); open != 1 || openings != 2 {
			t.Fatalf("%d open, %d being opened or open for nobody", open, openings)
		}
		closeNow(t, o)
		if n := g.open.Load(); n != 0 {
			t.Errorf("%d connections are open after Close", n)
		}
		if err := call(t, db, time.Minute); !errors.Is(err, session.ErrClosed) {
			t.Errorf("a call afterwards: %v", err)
		}

		db, o = newPool(t, &gate{takes: []time.Duration{time.Hour}}, 2)
		errs := make(chan error)
		go func() { errs <- call(t, db, time.Minute) }()
		synctest.Wait()
		closeNow(t, o)
		if err := <-errs; !errors.Is(err, session.ErrClosed) {
			t.Errorf("a call meanwhile: %v", err)
		}
	})
}

func closeNow(t *testing.T, o *opener) {
	t.Helper()
	begin := time.Now()
	if err := o.Close(); err != nil || time.Since(begin) != 0 {
		t.Errorf("Close: %v after %v", err, time.Since(begin))
	}
}
