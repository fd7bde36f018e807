package session_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A login with a limit needs the user's sessions under every older key: that one list fails is its error, also if the next does
// not.
func TestLoginWhereOneListFails(t *testing.T) {
	const oldestKey = "the oldest key of many bytes"
	b, node := sharedMemory(t)
	login := func(m *session.Manager) (err error) {
		new(client).do(func(w http.ResponseWriter, r *http.Request) { err = start(t, m, w, r).Login(r.Context(), "ann") })
		return err
	}
	if err := login(newNode(t, node(), session.CfgEncryptionKeys(oldestKey))); err != nil {
		t.Fatal(err)
	}
	failing := &firstListFails{Backend: b, UserLister: b.(driver.UserLister)}
	m := newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return failing, nil }),
		session.CfgEncryptionKeys(newKey, oldKey, oldestKey), session.CfgMaxPerUser(1))
	if err := login(m); !errors.Is(err, errFirstList) {
		t.Errorf("Login = %v, want the error of the first list", err)
	}
	if err := login(m); err != nil {
		t.Errorf("Login = %v once the lists work", err)
	}
}

var errFirstList = errors.New("the first list fails")

// firstListFails fails its first list of a user's sessions.
type firstListFails struct {
	driver.Backend
	driver.UserLister
	lists int
}

func (f *firstListFails) Unwrap() driver.Backend { return f.Backend }

func (f *firstListFails) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	if f.lists++; f.lists > 1 {
		return f.UserLister.ListUser(ctx, user)
	}
	return func(yield func(driver.Entry, error) bool) { yield(driver.Entry{}, errFirstList) }
}
