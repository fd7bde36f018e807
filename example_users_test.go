package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed1a8f7c28/session"
)

// Ann logs in with two browsers, sees both, and logs out everywhere else.
func ExampleSession_Login() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig(
		session.CfgMaxPerUser(5),
		session.CfgOnDestroy(func(_ context.Context, e session.Event) { fmt.Printf("%s: %s\n", e.User, e.Reason) }),
	))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	login := func(device string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			sess, err := sessions.Start(w, r)
			if err != nil {
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
			defer sess.SessionRelease(r.Context(), w)
			if err := sess.Login(r.Context(), "ann"); err != nil { // the password was right
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
			sess.SetLabel(r.Context(), device)
		}
	}
	elsewhere := func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		all, err := sessions.SessionsOf(r.Context(), sess.User())
		fmt.Println(len(all), "sessions", err)
		for _, info := range all {
			fmt.Println("-", info.Label)
		}
		n, err := sessions.DestroyUser(r.Context(), sess.User(), sess.ID())
		fmt.Println(n, "ended", err)
	}
	who := func(w http.ResponseWriter, r *http.Request) {
		if sess, err := sessions.Start(w, r); err == nil {
			fmt.Printf("user %q\n", sess.User())
		}
	}

	phone, laptop := visit(login("phone"), nil), visit(login("laptop"), nil)
	visit(elsewhere, laptop)
	visit(who, phone)
	visit(who, laptop)
	// Unordered output:
	// 2 sessions <nil>
	// - laptop
	// - phone
	// ann: revoked
	// 1 ended <nil>
	// user ""
	// user "ann"
}

func ExampleManager_Stats() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "gosessionid=guessed")
	if _, err := sessions.Start(httptest.NewRecorder(), r); err != nil {
		fmt.Println(err)
	}
	stats := sessions.Stats()
	fmt.Println(stats.Started, "started,", stats.Malformed, "malformed")
	// Output:
	// 1 started, 1 malformed
}
