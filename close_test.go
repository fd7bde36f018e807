package session_test

import (
	"context"
	"errors"
	"iter"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// TestCloseWaitsForCallsOfTheStore has Close come while one call is under way, which asks the store several times.
func TestCloseWaitsForCallsOfTheStore(t *testing.T) {
	ctx := context.Background()
	for name, tt := range map[string]struct {
		asks int
		call func(m *session.Manager, s *session.Session) error
	}{
		"Save":       {1, func(_ *session.Manager, s *session.Session) error { return s.Save(ctx) }},
		"Count":      {1, func(m *session.Manager, _ *session.Session) error { return second(m.Count(ctx)) }},
		"DestroyAll": {1, func(m *session.Manager, _ *session.Session) error { return m.DestroyAll(ctx) }},
		"Ping":       {1, func(m *session.Manager, _ *session.Session) error { return m.Ping(ctx) }},
		"List":       {1, func(m *session.Manager, _ *session.Session) error { return listError(m) }},
		"SessionsOf": {2, func(m *session.Manager, _ *session.Session) error { return second(m.SessionsOf(ctx, "ann")) }},
		"DestroyUser": {4, func(m *session.Manager, _ *session.Session) error {
			return second(m.DestroyUser(ctx, "ann"))
		}},
		"DestroyByID": {2, func(m *session.Manager, s *session.Session) error { return m.DestroyByID(ctx, s.ID()) }},
		"SessionByID": {1, func(m *session.Manager, s *session.Session) error { return second(m.SessionByID(ctx, s.ID())) }},
		"Reload":      {1, func(_ *session.Manager, s *session.Session) error { return s.Reload(ctx) }},
		"DestroyOf":   {2, func(m *session.Manager, s *session.Session) error { return m.DestroyOf(ctx, "ann", s.ID()) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { closeDuring(t, &slowCloser{faulty: newFaulty(t)}, tt.asks, tt.call) })
		})
	}
	// The calls of a request need not be waited for where the backend never waits; those that list before do.
	for name, call := range map[string]func(m *session.Manager, s *session.Session) error{
		"SessionsOf":  func(m *session.Manager, _ *session.Session) error { return second(m.SessionsOf(ctx, "ann")) },
		"DestroyByID": func(m *session.Manager, s *session.Session) error { return m.DestroyByID(ctx, s.ID()) },
		"DestroyOf":   func(m *session.Manager, s *session.Session) error { return m.DestroyOf(ctx, "ann", s.ID()) },
		"SessionByID": func(m *session.Manager, s *session.Session) error { return second(m.SessionByID(ctx, s.ID())) },
	} {
		asks := 2 // list, load
		if name == "DestroyByID" || name == "DestroyOf" {
			asks = 3
		}
		t.Run(name+", in process", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { closeDuring(t, slowHere{&slowCloser{faulty: newFaulty(t)}}, asks, call) })
		})
	}
}

// closeDuring has Close come while call is under way, which asks the backend for a second each time.
func closeDuring(t *testing.T, b interface {
	driver.Backend
	isClosed() bool
}, asks int, call func(m *session.Manager, s *session.Session) error,
) {
	m, err := session.New(session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
		return b, nil
	}), session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, m, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if err := s.Login(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	set(t, s, "a", 1)
	begin, done := time.Now(), make(chan error)
	go func() { done <- call(m, s) }()
	synctest.Wait()
	if err := m.Close(); err != nil || !b.isClosed() {
		t.Errorf("Close = %v, closed %v", err, b.isClosed())
	}
	if took := time.Since(begin); took != time.Duration(asks)*time.Second {
		t.Errorf("Close took %v, want %d seconds", took, asks)
	}
	if err := <-done; err != nil {
		t.Errorf("the call returned %v", err)
	}
}

// A slowCloser takes a second for each call, and must not be closed meanwhile.
type slowCloser struct {
	*faulty
	closed atomic.Bool
}

// slowHere is in this process.
type slowHere struct{ *slowCloser }

func (slowHere) InProcess() {}

func (b *slowCloser) isClosed() bool { return b.closed.Load() }

func (b *slowCloser) wait() error {
	time.Sleep(time.Second)
	if b.isClosed() {
		return errors.New("used after Close")
	}
	return nil
}

func (b *slowCloser) Load(ctx context.Context, key string, rec *driver.Record) error {
	if err := b.wait(); err != nil {
		return err
	}
	return b.faulty.Load(ctx, key, rec)
}

func (b *slowCloser) Save(ctx context.Context, key string, rec *driver.Record) error {
	if err := b.wait(); err != nil {
		return err
	}
	return b.faulty.Save(ctx, key, rec)
}

func (b *slowCloser) Delete(ctx context.Context, key string, version uint64) error {
	if err := b.wait(); err != nil {
		return err
	}
	return b.faulty.Delete(ctx, key, version)
}

func (b *slowCloser) Ping(context.Context) error { return b.wait() }

func (b *slowCloser) Count(context.Context) (int, error) { return 0, b.wait() }

func (b *slowCloser) Clear(context.Context) error { return b.wait() }

func (b *slowCloser) List(context.Context) iter.Seq2[driver.Entry, error] {
	return b.slowly(b.beneath.(driver.Lister).List(context.Background()))
}

func (b *slowCloser) ListUser(_ context.Context, user string) iter.Seq2[driver.Entry, error] {
	return b.slowly(b.beneath.(driver.UserLister).ListUser(context.Background(), user))
}

func (b *slowCloser) slowly(list iter.Seq2[driver.Entry, error]) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		if err := b.wait(); err != nil {
			yield(driver.Entry{}, err)
			return
		}
		list(yield)
	}
}

func (b *slowCloser) Close() error {
	b.closed.Store(true)
	return nil
}
