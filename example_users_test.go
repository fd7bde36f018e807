package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/seed1a8f7c28/session"
)

// Ann logs in with two browsers, sees both sessions, and logs out everywhere else.
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
			if err := sess.SetLabel(r.Context(), device); err != nil {
				http.Error(w, "try again later", http.StatusServiceUnavailable)
			}
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

// A page shows where Ann is logged in, the latest login first.
func ExampleManager_SessionsOf() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	devices := func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		infos, err := sessions.SessionsOf(r.Context(), sess.User())
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		for _, info := range infos {
			fmt.Printf("%s, this one: %t\n", info.Label, info.ID == sess.ID())
		}
	}
	visit(loginWith(sessions, "ann", "phone"), nil)
	visit(loginWith(sessions, "bob", "tablet"), nil)
	visit(devices, visit(loginWith(sessions, "ann", "laptop"), nil))
	// Unordered output:
	// laptop, this one: true
	// phone, this one: false
}

// loginWith logs user in and sets the device as the label.
func loginWith(sessions *session.Manager, user, device string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err == nil {
			defer sess.SessionRelease(r.Context(), w)
			err = sess.Login(r.Context(), user)
		}
		if err == nil {
			err = sess.SetLabel(r.Context(), device)
		}
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		}
	}
}

// At the login the application sets a label by which the user will recognize the session. A User-Agent comes from the
// client, so it may be too long: such a label is refused.
func ExampleSession_SetLabel() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	login := func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err == nil {
			defer sess.SessionRelease(r.Context(), w)
			err = sess.Login(r.Context(), "ann")
		}
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		err = sess.SetLabel(r.Context(), r.UserAgent())
		if errors.Is(err, session.ErrTooLarge) {
			err = sess.SetLabel(r.Context(), "an unknown browser")
		}
		fmt.Println(sess.Label(r.Context()), err)
	}
	for _, agent := range []string{"curl/8.14.1", strings.Repeat("Mozilla/5.0 ", 30)} {
		r := httptest.NewRequest("POST", "/login", nil)
		r.Header.Set("User-Agent", agent)
		login(httptest.NewRecorder(), r)
	}
	// Output:
	// curl/8.14.1 <nil>
	// an unknown browser <nil>
}

// Ann has changed her password, and is logged out everywhere else.
func ExampleManager_DestroyUser() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	changePassword := func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		n, err := sessions.DestroyUser(r.Context(), sess.User(), sess.ID()) // all but this one
		fmt.Println(n, "ended", err)
	}
	who := func(w http.ResponseWriter, r *http.Request) {
		if sess, err := sessions.Start(w, r); err == nil {
			fmt.Printf("user %q\n", sess.User())
		}
	}
	phone, laptop := visit(loginWith(sessions, "ann", "phone"), nil), visit(loginWith(sessions, "ann", "laptop"), nil)
	visit(changePassword, laptop)
	visit(who, phone)
	visit(who, laptop)
	// Output:
	// 1 ended <nil>
	// user ""
	// user "ann"
}

// A page lists a user's sessions, each with a button that ends it. The id comes back from the browser, so it may be the id
// of another user's session.
func ExampleManager_DestroyOf() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	signOut := func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		switch err := sessions.DestroyOf(r.Context(), sess.User(), r.FormValue("id")); {
		case errors.Is(err, session.ErrNotFound): // it has ended already, or is not the user's
			fmt.Println("no such session")
		case err != nil:
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		default:
			fmt.Println("signed out")
		}
	}

	var ids []string // of Ann's phone, of Ann's laptop, of Bob's
	login := func(user string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			sess, err := sessions.Start(w, r)
			if err != nil {
				fmt.Println(err)
				return
			}
			defer sess.SessionRelease(r.Context(), w)
			if err := sess.Login(r.Context(), user); err != nil {
				fmt.Println(err)
			}
			ids = append(ids, sess.ID())
		}
	}
	visit(login("ann"), nil)
	laptop := visit(login("ann"), nil)
	visit(login("bob"), nil)
	for _, id := range []string{ids[0], ids[0], ids[2]} {
		visit(func(w http.ResponseWriter, r *http.Request) {
			r.Form = url.Values{"id": {id}}
			signOut(w, r)
		}, laptop)
	}
	// Output:
	// signed out
	// no such session
	// no such session
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
