package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// A message for the page after the logout needs another Session, because the Session that was logged out has ended.
func ExampleSession_Logout_flash() {
	sessions, err := session.New(memory.New(), session.NewManagerConfig())
	if err != nil {
		panic(err)
	}
	defer sessions.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.FromContext(r.Context())
		if err == nil {
			err = sess.Login(r.Context(), "ann")
		}
		if err == nil {
			err = sess.Logout(r.Context())
		}
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		err = sess.AddFlash(r.Context(), "you are logged out")
		fmt.Println("on the old one:", errors.Is(err, session.ErrDestroyed))
		if sess, err = sessions.FromContext(r.Context()); err == nil {
			err = sess.AddFlash(r.Context(), "you are logged out")
		}
		fmt.Println("on another one:", err)
	})
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		sess, err := sessions.FromContext(r.Context())
		if err != nil {
			panic(err)
		}
		flashes, err := sess.Flashes(r.Context())
		fmt.Println(flashes, err, sess.User() == "")
	})
	h := sessions.Handler(mux)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/logout", nil))
	r := httptest.NewRequest("GET", "/", nil)
	for _, cookie := range w.Result().Cookies() {
		r.AddCookie(cookie)
	}
	h.ServeHTTP(httptest.NewRecorder(), r)
	// Output:
	// on the old one: true
	// on another one: <nil>
	// [you are logged out] <nil> true
}
