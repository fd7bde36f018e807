package main

import (
	_ "embed"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/examples/internal/looks"
)

//go:embed home.html
var homeText string

var homePage = looks.NewPage(homeText)

// The keys of a session. A session with a userKey is logged in. The last three values are shown once.
const (
	userKey   = "user"   // string
	sinceKey  = "since"  // time.Time of the login
	countKey  = "count"  // int64, the type with which Increment begins
	noticeKey = "notice" // string
	errorKey  = "error"  // string
	triedKey  = "tried"  // string: the name in a refused login, for the next form
)

const (
	maxName     = 40
	minPassword = 4
)

type app struct {
	sessions *session.Manager
}

// newApp returns the whole application: pages, sessions, and the protection against cross-site requests.
func newApp(m *session.Manager) http.Handler {
	a := &app{sessions: m}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page(a.home))
	mux.Handle("POST /login", page(a.login))
	mux.Handle("POST /count", page(a.count))
	mux.Handle("POST /logout", page(a.logout))
	mux.HandleFunc("GET /style.css", looks.Style)
	mux.HandleFunc("/", looks.NotFound)

	// Requests from other sites are refused before any session is loaded.
	return looks.Secured(m.Handler(mux))
}

// A page is a handler that returns an error if it could not use the session store. In that case it has written nothing.
type page func(w http.ResponseWriter, r *http.Request) error

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if err := p(w, r); err != nil {
		log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
		unavailable(w, r, err)
	}
}

// unavailable is also the manager's ErrorHandler. It answers instead of a page whose changes could not be saved. If w is
// nil there is no response to write.
func unavailable(w http.ResponseWriter, _ *http.Request, _ error) {
	if w != nil {
		looks.Fail(w, http.StatusServiceUnavailable)
	}
}

// view is the data for home.html.
type view struct {
	Title         string
	Notice, Error string

	User  string // "" for nobody
	Since time.Time
	Count int64

	Tried                string
	MaxName, MinPassword int
}

// home greets a visitor who is logged in and shows the form to everybody else. A visit alone stores nothing and sets no
// cookie.
func (a *app) home(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	sess, err := a.sessions.FromContext(ctx)
	if err != nil {
		return err
	}
	v := view{Title: "Log in", MaxName: maxName, MinPassword: minPassword}
	for _, once := range []struct {
		key string
		to  *string
	}{{noticeKey, &v.Notice}, {errorKey, &v.Error}, {triedKey, &v.Tried}} {
		if s, ok := sess.Get(ctx, once.key).(string); ok {
			*once.to = s
			if err := sess.Delete(ctx, once.key); err != nil {
				return err
			}
		}
	}
	if user, ok := sess.Get(ctx, userKey).(string); ok {
		v.Title, v.User = "Hello, "+user, user
		v.Since, _ = sess.Get(ctx, sinceKey).(time.Time)
		v.Count, _ = sess.Get(ctx, countKey).(int64)
	}
	homePage.Write(w, http.StatusOK, v)
	return nil
}

// login accepts any name with any password that is long enough. A real application looks up the user, compares a password
// hash and limits the attempts. It uses the session in the same way.
func (a *app) login(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	name := strings.ToValidUTF8(strings.TrimSpace(r.PostFormValue("name")), "")
	if problem := refusal(name, r.PostFormValue("password")); problem != "" {
		return a.refuse(w, r, problem, name)
	}
	// Someone else may know the visitor's current sid, so every login gets a new one. Values that were stored before the
	// login are not kept, because they may be another user's.
	sess, err := a.sessions.Regenerate(w, r)
	if errors.Is(err, session.ErrDestroyed) { // the form was submitted twice, and the other request is logged in
		return goHome(w, r, nil)
	}
	if err != nil {
		return err
	}
	err = errors.Join(
		sess.Flush(ctx),
		sess.Set(ctx, userKey, name),
		sess.Set(ctx, sinceKey, time.Now()),
		sess.Set(ctx, noticeKey, "You are logged in."),
	)
	return goHome(w, r, err)
}

// refusal returns what is wrong with a login, or "".
func refusal(name, password string) string {
	switch {
	case name == "":
		return "Enter a name."
	case utf8.RuneCountInString(name) > maxName:
		return fmt.Sprintf("Enter a name of at most %d characters.", maxName)
	case utf8.RuneCountInString(password) < minPassword:
		return fmt.Sprintf("Enter a password of at least %d characters.", minPassword)
	}
	return ""
}

// refuse shows the form again with the problem. The message is stored, because the next page is another request. So this
// visitor has a session before the login.
func (a *app) refuse(w http.ResponseWriter, r *http.Request, problem, name string) error {
	ctx := r.Context()
	sess, err := a.sessions.FromContext(ctx)
	if err != nil {
		return err
	}
	if utf8.RuneCountInString(name) > maxName {
		name = ""
	}
	err = errors.Join(sess.Set(ctx, errorKey, problem), sess.Set(ctx, triedKey, name))
	return goHome(w, r, err)
}

func (a *app) count(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	sess, err := a.sessions.FromContext(ctx)
	if err != nil {
		return err
	}
	if sess.Get(ctx, userKey) == nil {
		return a.refuse(w, r, "You are no longer logged in.", "")
	}
	// Increment instead of Get and Set: if two tabs count at the same time, both are counted.
	_, err = sess.Increment(ctx, countKey, 1)
	return goHome(w, r, err)
}

// logout ends the session in the store, so that a stolen cookie is useless too. If the cookie itself contains the session,
// logout only deletes the cookie: see docs/providers/cookie.md.
func (a *app) logout(w http.ResponseWriter, r *http.Request) error {
	return goHome(w, r, a.sessions.Destroy(w, r))
}

// goHome redirects to the first page after a form was processed, unless err is set. Handler saves the form's changes before
// the redirect is sent.
func goHome(w http.ResponseWriter, r *http.Request, err error) error {
	if err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	return err
}
