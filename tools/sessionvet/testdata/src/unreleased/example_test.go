package unreleased

import (
	"net/http"
	"testing"
)

func TestNothing(*testing.T) {
	var a app
	a.sessions.Handler(nil)
	sess, err := a.sessions.Start(nil, nil)
	if err == nil {
		_ = sess.Set(nil, "seen", true)
	}
}

func Example() {
	var a app
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		sess, err := a.sessions.Start(w, r) // want `sess is never released`
		if err == nil {
			_ = sess.Set(r.Context(), "seen", true)
		}
	})
}

func Example_underHandler() {
	var a app
	h := a.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sess, err := a.sessions.Start(w, r)
		if err == nil {
			_ = sess.Set(r.Context(), "seen", true)
		}
	}))
	http.Handle("/", h)
}
