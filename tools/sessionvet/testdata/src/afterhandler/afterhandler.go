// Package afterhandler starts goroutines.
package afterhandler

import (
	"context"
	"log"
	"net/http"
	"sync"

	"github.com/seed1a8f7c28/session"
)

type app struct {
	sessions *session.Manager
	working  sync.WaitGroup
}

func (a *app) captured(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.Start(w, r)
	if err != nil {
		return
	}
	defer sess.SessionRelease(r.Context(), w)
	go func() { // want `a goroutine uses the session sess and can outlive the handler, so its changes can be lost: pass it the values that it needs of sess, such as sess\.User\(\), or wait for it, or let it open the session with SessionByID and sess\.ID\(\)`
		_ = sess.Set(context.Background(), "mailed", true)
	}()
}

func (a *app) passed(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	go audit(sess) // want `a goroutine uses the session sess`
}

func audit(sess *session.Session) { log.Print(sess.User()) }

func (a *app) passedToAFunction(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	go func(s *session.Session) { audit(s) }(sess) // want `a goroutine uses the session sess`
}

func (a *app) method(w http.ResponseWriter, r *http.Request) {
	store, err := a.sessions.SessionStart(w, r)
	if err != nil {
		return
	}
	defer store.SessionRelease(r.Context(), w)
	go store.Delete(r.Context(), "cart") // want `a goroutine uses the session store`
}

func (a *app) closure() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sess, err := a.sessions.FromContext(r.Context())
		if err != nil {
			return
		}
		each(func(item string) {
			go func() { // want `a goroutine uses the session sess`
				_ = sess.Delete(r.Context(), item)
			}()
		})
	}
}

func each(do func(item string)) { do("1") }

func (a *app) parameter(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	defer sess.SessionRelease(r.Context(), w)
	go audit(sess) // want `a goroutine uses the session sess`
}

func (a *app) loopBefore(w http.ResponseWriter, r *http.Request, ready func() bool) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	for {
		if ready() {
			break
		}
	}
	go audit(sess) // want `a goroutine uses the session sess`
}

func (a *app) waitsItself(w http.ResponseWriter, r *http.Request, ready chan bool) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	go func() { // want `a goroutine uses the session sess`
		<-ready
		audit(sess)
	}()
}

// What follows is right.

func (a *app) values(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	go log.Print(sess.User(), sess.Get(r.Context(), "n"))
	go watch(sess.Done())
	user, done := sess.User(), sess.Done()
	go func() {
		<-done
		log.Print(user)
	}()
	go func() {
		<-sess.Done()
		log.Print(user)
	}()
}

func watch(done <-chan struct{}) { <-done }

func (a *app) waited(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		_ = sess.Set(r.Context(), "a", 1)
		finish(&group)
	}()
	group.Wait()
}

func finish(group *sync.WaitGroup) { group.Done() }

func (a *app) received(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	go answer(sess, w)
	select {
	case <-r.Context().Done():
	case <-sess.Done():
	}
}

func answer(sess *session.Session, w http.ResponseWriter) { log.Print(sess.User()) }

func (a *app) ranged(w http.ResponseWriter, r *http.Request, events chan string) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	go answer(sess, w)
	for range events {
	}
}

func (a *app) socket(w http.ResponseWriter, r *http.Request, read func() error) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	go answer(sess, w)
	for {
		if read() != nil {
			return
		}
	}
}

func (a *app) signalled(w http.ResponseWriter, r *http.Request, done chan<- bool) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	a.working.Add(1)
	go func() {
		defer a.working.Done()
		_ = sess.Set(r.Context(), "a", 1)
	}()
	go func() {
		audit(sess)
		done <- true
	}()
	go func() {
		defer close(done)
		audit(sess)
	}()
}

func (a *app) savesItself(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	go func() {
		_ = sess.Set(context.Background(), "mailed", true)
		if err := sess.Save(context.Background()); err != nil {
			log.Print(err)
		}
	}()
	go store(context.Background(), sess)
	go func() { store(context.Background(), sess) }()
	go func(s *session.Session) { store(context.Background(), s) }(sess)
}

func store(ctx context.Context, sess *session.Session) {
	if err := session.SaveAll(ctx, sess); err != nil {
		log.Print(err)
	}
}

func recursive(n int, sess *session.Session) {
	if n > 0 {
		recursive(n-1, sess)
	}
}

func (a *app) callers(sess *session.Session) { go audit(sess) } // who has called it may wait

func (a *app) ofNoRequest(ctx context.Context, id string) {
	sess, err := a.sessions.SessionByID(ctx, id)
	if err == nil {
		go audit(sess)
	}
}

func (a *app) ownSession(w http.ResponseWriter, r *http.Request) {
	go func() {
		sess, err := a.sessions.SessionByID(context.Background(), "id")
		if err == nil {
			_ = sess.Set(r.Context(), "a", 1)
		}
	}()
}

func (a *app) silenced(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	//sessionvet:ignore it only reads
	go audit(sess)
}

func (a *app) inARound(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return
	}
	go recursive(3, sess) // want `a goroutine uses the session sess`
}
