// Package unreleased opens sessions.
package unreleased

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/seed1a8f7c28/session"
)

type app struct {
	sessions *session.Manager
	current  *session.Session
}

func (a *app) never(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r) // want `the session sess is never released, so its changes are lost: defer sess\.SessionRelease\(ctx, w\) once the error is checked, or use FromContext under Handler`
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	_ = sess.Set(r.Context(), "seen", true)
}

func (a *app) onlyReads(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.SessionStart(w, r) // want `sess is never released`
	if err == nil && sess != nil {
		fmt.Fprint(w, sess.Get(r.Context(), "name"))
	}
}

func (a *app) onOneWay(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r) // want `sess is not released on every path, line \d+ returns without it: defer sess\.SessionRelease\(ctx, w\) once the error is checked, or use`
	if err != nil {
		return
	}
	if n, _ := session.Get[int](r.Context(), sess, "n"); n > 3 {
		http.Error(w, "too many", http.StatusTooManyRequests)
		return
	}
	sess.SessionRelease(r.Context(), w)
}

func (a *app) atTheEnd(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r) // want `sess is not released on every path, line \d+ returns without it: defer sess\.SessionRelease\(ctx, w\) once the error is checked, or use`
	if err != nil {
		return
	}
	if r.Method == http.MethodPost {
		sess.SessionRelease(r.Context(), w)
	}
}

func (a *app) changedAfterwards(w http.ResponseWriter, r *http.Request) error {
	sess, err := a.sessions.Start(w, r) // want `sess is not released on every path, line \d+ returns without it: defer sess\.SessionRelease\(ctx, w\) once the error is checked, or use`
	if err != nil {
		return err
	}
	if err := sess.Login(r.Context(), "ann"); err != nil {
		return err
	}
	return sess.SetLabel(r.Context(), "phone")
}

func (a *app) closure() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sess session.Store
		sess, err := a.sessions.SessionRegenerateID(w, r) // want `sess is never released`
		if err != nil {
			return
		}
		fmt.Fprint(w, sess.Get(r.Context(), "name"))
	})
}

func (a *app) thrownAway(w http.ResponseWriter, r *http.Request) {
	a.sessions.Start(w, r) // want `the session of Start is thrown away: keep it, and call its SessionRelease`
}

func (a *app) helperForTheError(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r) // want `sess is never released`
	if a.refuse(w, err) {
		return
	}
	_ = sess.Set(r.Context(), "seen", true)
}

func (a *app) theErrorUnread(w http.ResponseWriter, r *http.Request) {
	sess, _ := a.sessions.Start(w, r) // want `sess is never released`
	_ = sess.Set(r.Context(), "seen", true)
}

func (a *app) ofASwitch(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r) // want `sess is not released on every path, line \d+ returns without it: defer sess\.SessionRelease\(ctx, w\) once the error is checked, or use`
	switch {
	case errors.Is(err, session.ErrClosed):
		return
	case err != nil:
		http.Error(w, "try again", http.StatusServiceUnavailable)
	case r.Method == http.MethodGet:
		return
	default:
		sess.SessionRelease(r.Context(), w)
	}
}

func (a *app) anotherError(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r) // want `sess is not released on every path`
	_, err = fmt.Fprint(w, "hello")
	if err != nil {
		return
	}
	sess.SessionRelease(r.Context(), w)
}

func (a *app) joined(w http.ResponseWriter, r *http.Request) error {
	sess, err := a.sessions.Start(w, r) // want `sess is not released on every path`
	if err != nil {
		return err
	}
	err = errors.Join(err, sess.Set(r.Context(), "seen", true))
	if err != nil {
		return err
	}
	return sess.Save(r.Context())
}

func (a *app) joinedAfterTwoConditions(w http.ResponseWriter, r *http.Request) error {
	sess, err := a.sessions.Start(w, r) // want `sess is not released on every path`
	if err != nil || r.Method != http.MethodPost {
		if err == nil {
			sess.SessionRelease(r.Context(), w)
		}
		return err
	}
	err = errors.Join(err, sess.Set(r.Context(), "seen", true))
	if err != nil {
		return err
	}
	return sess.Save(r.Context())
}

func (a *app) bySID(sid string) (any, error) {
	store, err := a.sessions.GetSessionStore(sid) // want `the session store is never released, so its changes are lost: defer store\.SessionRelease\(ctx, nil\) once the error is checked$`
	if err != nil {
		return nil, err
	}
	return store.Get(context.Background(), "name"), nil
}

func (a *app) byID(ctx context.Context, ids []string) error {
	for _, id := range ids {
		sess, err := a.sessions.SessionByID(ctx, id) // want `the session sess is never released, so its changes are lost: call sess\.Save`
		if errors.Is(err, session.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := sess.Set(ctx, "banned", true); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) refuse(w http.ResponseWriter, err error) bool {
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
	return err != nil
}

// What follows is right.

func (a *app) deferred(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return
	}
	defer sess.SessionRelease(r.Context(), w)
	_ = sess.Set(r.Context(), "seen", true)
}

func (a *app) ifPresent(w http.ResponseWriter, r *http.Request) {
	if sess, err := a.sessions.Start(w, r); err == nil {
		defer sess.SessionReleaseIfPresent(r.Context(), w)
		_ = sess.Set(r.Context(), "seen", true)
	}
}

func (a *app) deferredInAFunction(w http.ResponseWriter, r *http.Request) {
	var sess *session.Session
	defer func() {
		if sess != nil {
			sess.SessionRelease(r.Context(), w)
		}
	}()
	var err error
	if sess, err = a.sessions.Start(w, r); err != nil {
		return
	}
	_ = sess.Set(r.Context(), "seen", true)
}

func (a *app) saved(w http.ResponseWriter, r *http.Request) error {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return err
	}
	_ = sess.Set(r.Context(), "seen", true)
	return sess.Save(r.Context())
}

func (a *app) savedTogether(w http.ResponseWriter, r *http.Request) error {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return err
	}
	_ = session.Update(r.Context(), sess, "n", func(n int) (int, error) { return n + 1, nil })
	return session.SaveAll(r.Context(), sess)
}

func (a *app) ended(w http.ResponseWriter, r *http.Request) error {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return err
	}
	if sess.User() != "" {
		return sess.Logout(r.Context())
	}
	return a.sessions.Destroy(w, r)
}

func (a *app) returned(w http.ResponseWriter, r *http.Request) (*session.Session, error) {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return nil, fmt.Errorf("shop: %w", err)
	}
	return sess, nil
}

func (a *app) namedResult(w http.ResponseWriter, r *http.Request) (sess *session.Session, err error) {
	sess, err = a.sessions.Start(w, r)
	return
}

func (a *app) straight(w http.ResponseWriter, r *http.Request) (*session.Session, error) {
	return a.sessions.Start(w, r)
}

func (a *app) storedElsewhere(w http.ResponseWriter, r *http.Request) (err error) {
	a.current, err = a.sessions.Start(w, r)
	return err
}

func (a *app) passedOn(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return
	}
	a.serve(w, r, sess)
}

func (a *app) serve(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	sess.SessionRelease(r.Context(), w)
}

func (a *app) inTheContext(w http.ResponseWriter, r *http.Request, next http.Handler) {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return
	}
	next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), a, sess)))
}

func (a *app) refused(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if a.refuse(w, err) {
		return
	}
	defer sess.SessionRelease(r.Context(), w)
}

func (a *app) errorInAVariable(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if _, is := errors.AsType[*http.MaxBytesError](err); is {
		return
	}
	ok := err == nil
	if !ok {
		return
	}
	defer sess.SessionRelease(r.Context(), w)
}

func (a *app) wrapped(w http.ResponseWriter, r *http.Request) error {
	sess, err := a.sessions.Start(w, r)
	err = errors.Join(err, r.Context().Err())
	if err != nil {
		return err
	}
	sess.SessionRelease(r.Context(), w)
	return nil
}

func (a *app) bothChecked(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if err != nil || sess == nil {
		return
	}
	sess.SessionRelease(r.Context(), w)
}

func (a *app) byTheSession(w http.ResponseWriter, r *http.Request) {
	sess, _ := a.sessions.Start(w, r)
	if nil != sess {
		sess.SessionRelease(r.Context(), w)
	}
}

func (a *app) orElse(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if !(err != nil) {
		sess.SessionRelease(r.Context(), w)
	} else {
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (a *app) another(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return
	}
	if sess.IsNew() {
		if sess, err = a.sessions.Regenerate(w, r); err != nil {
			return
		}
	}
	sess.SessionRelease(r.Context(), w)
}

func (a *app) fatal(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	must(err)
	if sess.User() == "" {
		log.Fatal("nobody is logged in")
	}
	sess.SessionRelease(r.Context(), w)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (a *app) released(w http.ResponseWriter, r *http.Request, after func(func(context.Context, http.ResponseWriter))) {
	sess, err := a.sessions.Start(w, r)
	if err == nil {
		after(sess.SessionRelease)
	}
}

func (a *app) exists(sid string) bool {
	_, err := a.sessions.GetSessionStore(sid)
	return err == nil
}

func (a *app) looks(ctx context.Context, id string) (any, error) {
	sess, err := a.sessions.SessionByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return sess.Get(ctx, "name"), nil
}

func (a *app) saysThatItIsBanned(ctx context.Context, id string) error {
	sess, err := a.sessions.SessionByID(ctx, id)
	if err != nil {
		return err
	}
	if err := sess.Set(ctx, "banned", true); err != nil {
		return err
	}
	return sess.Save(ctx)
}

func (a *app) changeAfterASaveFails(w http.ResponseWriter, r *http.Request) error {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return err
	}
	if err := sess.Login(r.Context(), "ann"); err != nil {
		return err
	}
	if err := sess.SetLabel(r.Context(), "phone"); err != nil {
		return err
	}
	return sess.Save(r.Context())
}

func (a *app) silencedAbove(w http.ResponseWriter, r *http.Request) {
	//sessionvet:ignore the proxy in front runs this under Handler
	sess, err := a.sessions.Start(w, r)
	if err == nil {
		_ = sess.Set(r.Context(), "seen", true)
	}
}

func (a *app) silencedBeside(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r) //sessionvet:ignore
	if err == nil {
		_ = sess.Set(r.Context(), "seen", true)
	}
}

func (a *app) notSilenced(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r) //sessionvet:ignored // want `sess is never released`
	if err == nil {
		_ = sess.Set(r.Context(), "seen", true)
	}
	//sessionvet:ignore only what follows at once
}

func (a *app) severalChecks(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if errors.Is(err, context.Canceled) {
		return
	}
	if err == session.ErrClosed {
		return
	}
	if err != nil && r.Method == http.MethodGet {
		return
	}
	if err != nil {
		return
	}
	sess.SessionRelease(r.Context(), w)
}

func (a *app) checkedTwice(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if a.refuse(w, err) || err != nil {
		return
	}
	sess.SessionRelease(r.Context(), w)
}

func (a *app) checkInAFunction(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	failed := func() bool { return err != nil }
	if failed() {
		return
	}
	sess.SessionRelease(r.Context(), w)
}

func (a *app) theOtherWayRound(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if err = inverse(err); err == nil {
		return
	}
	sess.SessionRelease(r.Context(), w)
}

func inverse(err error) error {
	if err != nil {
		return nil
	}
	return errors.New("no error")
}

// What follows is wrong, but not understood.

func (a *app) refusedOrRead(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if a.refuse(w, err) || r.Method == http.MethodGet {
		return
	}
	sess.SessionRelease(r.Context(), w)
}

func (a *app) replaced(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return
	}
	sess = a.current
	_ = sess.Set(r.Context(), "seen", true)
}
