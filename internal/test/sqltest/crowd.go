package sqltest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// crowd lets 200 visitors at a time share two connections. A call that waited for one connection while holding the other
// would wait forever.
func (e Engine) crowd(t *testing.T) {
	app := e.app(t, e.Empty(t), 2)
	m := Manager(t, app.Provider(), session.CfgMaxPerUser(3), session.CfgOpTimeout(time.Minute))
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			user := "user " + strconv.Itoa(i%10)
			if err := visit(t.Context(), m, user, i); err != nil {
				t.Errorf("visitor %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for i := range 10 {
		sessions, err := m.SessionsOf(t.Context(), "user "+strconv.Itoa(i))
		if n := len(sessions); err != nil || n != 3 {
			t.Errorf("after 20 logins with a limit of 3 a user has %d sessions, %v", n, err)
		}
	}
	if _, used := app.Conns(); used != 0 {
		t.Errorf("%d connections are in use afterwards", used)
	}
}

// visit is a login, a request after it, and a list of the user's sessions.
func visit(ctx context.Context, m *session.Manager, user string, n int) error {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	s, err := m.Start(httptest.NewRecorder(), r)
	if err == nil {
		err = s.Login(ctx, user)
	}
	if err == nil {
		err = s.Set(ctx, "n", n)
	}
	if err == nil {
		err = s.Save(ctx)
	}
	if errors.Is(err, session.ErrDestroyed) || errors.Is(err, session.ErrNotFound) { // another login has evicted this one
		return nil
	}
	if err == nil {
		_, err = m.SessionsOf(ctx, user)
	}
	return err
}
