package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// Sessions end after half an hour without use, or when the browser closes. If a visitor wants to be remembered, the session
// and its cookie live for thirty days from each use, on every node.
func ExampleSession_RememberMe() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig(session.CfgIdleLifetime(30*time.Minute)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	login := func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		err = sess.Login(r.Context(), r.FormValue("user")) // the password was right
		var life time.Duration                             // 0 undoes what an earlier login of the same user has set
		if r.FormValue("remember") != "" {
			life = 30 * 24 * time.Hour
		}
		if err == nil {
			err = sess.RememberMe(r.Context(), life)
		}
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		}
	}
	for _, form := range []string{"user=ann", "user=ann&remember=on"} {
		w := httptest.NewRecorder()
		login(w, httptest.NewRequest("POST", "/login?"+form, nil))
		fmt.Println(w.Code, w.Result().Cookies()[0].MaxAge)
	}
	// Output:
	// 200 0
	// 200 2592000
}

// A bank shows when the session ends, and has a button that extends it. Before a transfer it shortens the session to two
// minutes.
func ExampleManager_UpdateExpiration() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	cookie := visit(func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err == nil {
			err = sess.SetLifetime(r.Context(), 10*time.Minute)
		}
		if err == nil {
			err = sess.Save(r.Context())
		}
		fmt.Println("start", err)
	}, nil)
	visit(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("stay", sessions.ShiftExpiration(w, r)) // ten minutes from now
	}, cookie)
	visit(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("transfer", sessions.UpdateExpiration(w, r, 2*time.Minute))
	}, cookie)
	// Output:
	// start <nil>
	// stay <nil>
	// transfer <nil>
}
