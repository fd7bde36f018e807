package session_test

import (
	"context"
	"errors"
	"iter"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// TestCloseWaitsForCallsOfTheStore has Close come while one call is under way.
func TestCloseWaitsForCallsOfTheStore(t *testing.T) {
	for name, call := range map[string]func(m *session.Manager, s *session.Session) error{
		"Save":       func(_ *session.Manager, s *session.Session) error { return s.Save(context.Background()) },
		"Count":      func(m *session.Manager, _ *session.Session) error { return second(m.Count(context.Background())) },
		"DestroyAll": func(m *session.Manager, _ *session.Session) error { return m.DestroyAll(context.Background()) },
		"List":       func(m *session.Manager, _ *session.Session) error { return listError(m) },
		"SessionsOf": func(m *session.Manager, _ *session.Session) error {
			return second(m.SessionsOf(context.Background(), "ann"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { closeDuring(t, call) })
		})
	}
}

func closeDuring(t *testing.T, call func(m *session.Manager, s *session.Session) error) {
	b := &slowCloser{faulty: newFaulty(t)}
	m, err := session.New(session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
		return b, nil
	}), session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, m, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	set(t, s, "a", 1)
	begin, done := time.Now(), make(chan error)
	go func() { done <- call(m, s) }()
	synctest.Wait()
	if err := m.Close(); err != nil || !b.closed {
		t.Errorf("Close = %v, closed %v", err, b.closed)
	}
	if took := time.Since(begin); took != time.Second {
		t.Errorf("Close took %v", took)
	}
	if err := <-done; err != nil {
		t.Errorf("the call returned %v", err)
	}
}

// A slowCloser takes a second for each of some calls, and must not be closed meanwhile.
type slowCloser struct {
	*faulty
	closed bool
}

func (b *slowCloser) wait() error {
	time.Sleep(time.Second)
	if b.closed {
		return errors.New("used after Close")
	}
	return nil
}

func (b *slowCloser) Save(ctx context.Context, key string, rec *driver.Record) error {
	if err := b.wait(); err != nil {
		return err
	}
	return b.faulty.Save(ctx, key, rec)
}

func (b *slowCloser) Count(context.Context) (int, error) { return 0, b.wait() }

func (b *slowCloser) Clear(context.Context) error { return b.wait() }

func (b *slowCloser) List(context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		if err := b.wait(); err != nil {
			yield(driver.Entry{}, err)
		}
	}
}

func (b *slowCloser) ListUser(ctx context.Context, _ string) iter.Seq2[driver.Entry, error] {
	return b.List(ctx)
}

func (b *slowCloser) Close() error {
	b.closed = true
	return nil
}
