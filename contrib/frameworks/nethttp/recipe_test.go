package nethttp_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/frameworks"
)

var sessions *session.Manager

func newServer() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("POST /count", count)
	mux.HandleFunc("POST /logout", logout)
	return http.NewCrossOriginProtection().Handler(sessions.Handler(mux))
}

func login(w http.ResponseWriter, r *http.Request) {
	sess, err := sessions.FromContext(r.Context())
	if err == nil {
		err = sess.Login(r.Context(), "ann") // whose password was right
	}
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func count(w http.ResponseWriter, r *http.Request) {
	var n int64
	sess, err := sessions.FromContext(r.Context())
	if err == nil {
		n, err = sess.Increment(r.Context(), "count", 1)
	}
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, n)
}

func logout(w http.ResponseWriter, r *http.Request) {
	sess, err := sessions.FromContext(r.Context())
	if err == nil {
		err = sess.Logout(r.Context())
	}
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func TestRecipe(t *testing.T) {
	sessions = frameworks.Sessions(t)
	frameworks.Visit(t, frameworks.Serve(t, newServer()))
}
