// Package losterror throws errors away.
package losterror

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

func identity(m *session.Manager, w http.ResponseWriter, r *http.Request, sess *session.Session) {
	ctx := r.Context()
	sess.Login(ctx, "ann")                     // want `the error of Login is lost: if it is not nil, nobody is logged in, or still somebody else; handle it`
	_ = sess.Login(ctx, "ann")                 // want `the error of Login is lost`
	sess.Logout(ctx)                           // want `the error of Logout is lost: if it is not nil, the visitor may still be logged in; handle it`
	_ = sess.Logout(ctx)                       // want `the error of Logout is lost`
	defer sess.Logout(ctx)                     // want `the error of Logout is lost`
	sess.Regenerate(ctx)                       // want `the error of Regenerate is lost: if it is not nil, the sid is still the one from before, which others may know; handle it`
	sess.RequireFresh(time.Hour)               // want `the error of RequireFresh is lost: if it is not nil, the login is too old for what follows; handle it`
	m.Destroy(w, r)                            // want `the error of Destroy is lost: if it is not nil, the visitor may still be logged in; handle it`
	go m.DestroyAll(ctx)                       // want `the error of DestroyAll is lost: if it is not nil, sessions that should have ended may live on; handle it`
	m.DestroyByID(ctx, "id")                   // want `the error of DestroyByID is lost`
	m.DestroyOf(ctx, "ann", "id")              // want `the error of DestroyOf is lost`
	n, _ := m.DestroyUser(ctx, "ann")          // want `the error of DestroyUser is lost`
	_, _ = m.DestroyUser(ctx, "b")             // want `the error of DestroyUser is lost`
	m.DestroyUser(ctx, "ann")                  // want `the error of DestroyUser is lost`
	next, _ := m.Regenerate(w, r)              // want `the error of Regenerate is lost`
	m.GetProvider().SessionDestroy(ctx, "sid") // want `the error of SessionDestroy is lost`
	m.DestroyExchange(nil)                     // want `the error of DestroyExchange is lost`
	sessionfasthttp.Destroy(m, nil)            // want `the error of Destroy is lost`
	a, _ := n, sess.Logout(ctx)                // want `the error of Logout is lost`
	_, _ = next, a
}

func values(m *session.Manager, w http.ResponseWriter, r *http.Request, sess *session.Session, store session.Store) {
	ctx := r.Context()
	sess.Set(ctx, "k", 1)                  // want `the error of Set is lost: handle it, or write _ = if it does not matter`
	store.Set(ctx, "k", 1)                 // want `the error of Set is lost`
	store.Delete(ctx, "k")                 // want `the error of Delete is lost`
	sess.SetMulti(ctx, nil)                // want `the error of SetMulti is lost`
	sess.Increment(ctx, "n", 1)            // want `the error of Increment is lost`
	sess.Update(ctx, "n", nil)             // want `the error of Update is lost`
	session.Update[int](ctx, sess, "n", f) // want `the error of Update is lost`
	session.Update(ctx, sess, "n", f)      // want `the error of Update is lost`
	sess.AddFlash(ctx, "hello")            // want `the error of AddFlash is lost`
	sess.RememberMe(ctx, time.Hour)        // want `the error of RememberMe is lost`
	sess.Save(ctx)                         // want `the error of Save is lost, and possibly the changes: handle it, or call SessionRelease, which reports it`
	defer sess.Save(ctx)                   // want `the error of Save is lost`
	session.SaveAll(ctx, sess)             // want `the error of SaveAll is lost`
	m.ShiftExpiration(w, r)                // want `the error of ShiftExpiration is lost`
}

func none(m *session.Manager, w http.ResponseWriter, r *http.Request) {
	s, _ := m.Start(w, r)                    // want `the error of Start is lost: the session is then nil, and its next use panics; handle it, for example with 503`
	t, _ := m.FromContext(r.Context())       // want `the error of FromContext is lost`
	u, _ := m.SessionByID(r.Context(), "id") // want `the error of SessionByID is lost`
	_, _ = m.Start(w, r)                     // whether there is one is not asked
	_, _, _ = s, t, u
}

func f(n int) (int, error) { return n + 1, nil }

// What follows is right.

type own struct{}

func (own) Set(context.Context, any, any) error { return nil }
func (own) Logout(context.Context) error        { return nil }

func right(m *session.Manager, w http.ResponseWriter, r *http.Request, sess *session.Session) error {
	ctx := r.Context()
	_ = sess.Set(ctx, "k", 1)
	_ = sess.Save(ctx)
	n, _ := sess.Increment(ctx, "n", 1)
	sess.Get(ctx, "k")
	sess.SessionRelease(ctx, w)
	m.SessionDestroy(w, r)
	own{}.Set(ctx, "k", n)
	own{}.Logout(ctx)
	_ = sess.Logout(ctx) //sessionvet:ignore the visitor is nobody
	if err := sess.Login(ctx, "ann"); err != nil {
		return err
	}
	defer func() {
		if err := sess.Save(ctx); err != nil {
			panic(err)
		}
	}()
	return errors.Join(sess.Set(ctx, "k", 2), sess.Logout(ctx), m.Destroy(w, r))
}
