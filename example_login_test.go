package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed1a8f7c28/session"
)

// A login gives the session a new sid. An attacker who has learned or planted the old sid gains nothing: it is no longer
// valid, and the login was never stored under it.
func ExampleManager_Regenerate() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	login := func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Regenerate(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		if err := sess.Set(r.Context(), "user", "ann"); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		}
	}
	show := func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		if sess.IsNew() {
			_ = sess.Set(r.Context(), "cart", "a book")
		}
		fmt.Printf("user %v, cart %v\n", sess.Get(r.Context(), "user"), sess.Get(r.Context(), "cart"))
	}

	before := visit(show, nil)    // a visitor fills the cart
	after := visit(login, before) // and logs in
	visit(show, after)
	visit(show, before) // with the old cookie, which shows nothing
	// Output:
	// user <nil>, cart a book
	// user ann, cart a book
	// user <nil>, cart <nil>
}

// visit makes a request with a cookie, and returns the cookie that the browser has afterwards.
func visit(page http.HandlerFunc, cookie *http.Cookie) *http.Cookie {
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	page(w, r)
	for _, given := range w.Result().Cookies() {
		cookie = given
	}
	return cookie
}
