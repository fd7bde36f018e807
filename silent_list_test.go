package session_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A silent server holds no list of a user's sessions for ever, whatever the caller's context allows.
func TestListsOfUsersAreBounded(t *testing.T) {
	for name, call := range map[string]func(m *session.Manager) error{
		"SessionsOf": func(m *session.Manager) error {
			_, err := m.SessionsOf(context.Background(), "ann")
			return err
		},
		"DestroyUser": func(m *session.Manager) error {
			_, err := m.DestroyUser(context.Background(), "ann")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFaulty(t)
				m := newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
					return silentList{f}, nil
				}), session.CfgOpTimeout(2*time.Second))
				began := time.Now()
				if err := call(m); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		})
	}
}

// silentList answers no list.
type silentList struct{ *faulty }

func (silentList) ListUser(ctx context.Context, _ string) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		select {
		case <-ctx.Done():
			yield(driver.Entry{}, ctx.Err())
		case <-time.After(time.Hour): // for ever
		}
	}
}
