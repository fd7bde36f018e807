package sessionbeego

import (
	"context"
	"errors"
	"net/http"

	beegosession "github.com/beego/beego/v2/server/web/session"

	"github.com/seed1a8f7c28/session"
)

var errNoFilter = errors.New("session/beego: the request did not come through FilterChain, or DestroySession has ended its session")

// A store is the session of one request as beego's [beegosession.Store]. It uses the request's context, because beego often
// passes none, or one that never ends.
type store struct {
	m *session.Manager
	w http.ResponseWriter
	r *http.Request
}

var _ beegosession.Store = (*store)(nil)

// session returns the request's session, or a new one if the session was destroyed.
func (s *store) session() (*session.Session, error) { return s.m.FromContext(s.r.Context()) }

func (s *store) context() context.Context { return s.r.Context() }

// Set implements [beegosession.Store].
func (s *store) Set(_ context.Context, key, value any) error {
	sess, err := s.session()
	if err == nil {
		err = sess.Set(s.context(), key, value)
	}
	return err
}

// Get implements [beegosession.Store].
func (s *store) Get(_ context.Context, key any) any {
	sess, err := s.session()
	if err != nil {
		return nil
	}
	return sess.Get(s.context(), key)
}

// Delete implements [beegosession.Store].
func (s *store) Delete(_ context.Context, key any) error {
	sess, err := s.session()
	if err == nil {
		err = sess.Delete(s.context(), key)
	}
	return err
}

// Flush implements [beegosession.Store].
func (s *store) Flush(context.Context) error {
	sess, err := s.session()
	if err == nil {
		err = sess.Flush(s.context())
	}
	return err
}

// SessionID implements [beegosession.Store]. It returns "" until something is stored for the visitor.
func (s *store) SessionID(context.Context) string {
	sess, err := s.session()
	if err != nil {
		return ""
	}
	return sess.SessionID(s.context())
}

// SessionRelease implements [beegosession.Store]. It need not be called, because FilterChain releases the session.
func (s *store) SessionRelease(context.Context, http.ResponseWriter) {
	if sess, err := s.session(); err == nil {
		sess.SessionRelease(s.context(), s.w)
	}
}

// SessionReleaseIfPresent implements [beegosession.Store]. It is the same as SessionRelease, which never brings an ended
// session back.
func (s *store) SessionReleaseIfPresent(ctx context.Context, w http.ResponseWriter) {
	s.SessionRelease(ctx, w)
}
