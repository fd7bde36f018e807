package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/file"
)

// An operator finds a session in the list of all sessions, reads a value, and adds one, while the visitor goes on using it.
func ExampleManager_SessionByID() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	visit := func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		fmt.Println("visits:", sess.GetIntDefault(r.Context(), "visits", 0), "voucher:", sess.Get(r.Context(), "voucher"))
		if _, err := sess.Increment(r.Context(), "visits", 1); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		}
	}
	first := httptest.NewRecorder()
	visit(first, httptest.NewRequest("GET", "/", nil))

	admin := func(r *http.Request) error {
		for info, err := range sessions.List(r.Context()) {
			if err != nil {
				return err
			}
			sess, err := sessions.SessionByID(r.Context(), info.ID)
			if err != nil {
				return err
			}
			if visits, err := sess.GetInt(r.Context(), "visits"); err != nil || visits < 1 {
				continue
			}
			if err := sess.Set(r.Context(), "voucher", "TEA-5"); err != nil {
				return err
			}
			if err := sess.Save(r.Context()); err != nil {
				return err
			}
		}
		return nil
	}
	if err := admin(httptest.NewRequest("POST", "/admin/vouchers", nil)); err != nil {
		fmt.Println(err)
		return
	}

	again := httptest.NewRequest("GET", "/", nil)
	again.AddCookie(first.Result().Cookies()[0])
	visit(httptest.NewRecorder(), again)
	// Output:
	// visits: 0 voucher: <nil>
	// visits: 1 voucher: TEA-5
}

// A stream runs for a long time. Reload shows it what other requests have stored since it began, and returns an error once
// the visitor has logged out.
func ExampleSession_Reload() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()
	first := httptest.NewRecorder()
	sess, err := sessions.Start(first, httptest.NewRequest("GET", "/", nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	settings := httptest.NewRequest("POST", "/settings", nil)
	fmt.Println(sess.GetStringDefault(settings.Context(), "theme", "light")) // the stream begins

	settings.AddCookie(first.Result().Cookies()[0])
	other, err := sessions.Start(httptest.NewRecorder(), settings)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := other.Set(settings.Context(), "theme", "dark"); err != nil {
		fmt.Println(err)
	}
	other.SessionRelease(settings.Context(), nil)

	fmt.Println(sess.Reload(settings.Context()), sess.GetStringDefault(settings.Context(), "theme", "light"))
	if err := other.Logout(settings.Context()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(sess.Reload(settings.Context()))
	// Output:
	// light
	// <nil> dark
	// session: the session has ended
}

// An operator's page counts visitors and users.
func ExampleManager_List() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()
	for _, user := range []string{"", "ann", "bob", "ann"} {
		r := httptest.NewRequest("POST", "/login", nil)
		sess, err := sessions.Start(httptest.NewRecorder(), r)
		if err == nil && user != "" {
			err = sess.Login(r.Context(), user)
		}
		if err != nil {
			fmt.Println(err)
		}
	}

	census := func(ctx context.Context) (visitors int, logins map[string]int, err error) {
		logins = make(map[string]int)
		for info, err := range sessions.List(ctx) {
			if err != nil { // List yields nothing after an error
				return 0, nil, err
			}
			if info.User == "" {
				visitors++
			} else {
				logins[info.User]++
			}
		}
		return visitors, logins, nil
	}
	fmt.Println(census(context.Background()))
	// Output:
	// 1 map[ann:2 bob:1] <nil>
}

// A load balancer asks whether the node can work. Here that means whether the folder of the sessions is writable.
func ExampleManager_Ping() {
	folder, err := os.MkdirTemp("", "sessions")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	sessions, err := session.NewManager("file", session.NewManagerConfig(session.CfgProviderConfig(folder)))
	if err != nil {
		fmt.Println(err)
		return
	}
	ready := func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if err := sessions.Ping(ctx); err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		}
	}
	for range 2 {
		w := httptest.NewRecorder()
		ready(w, httptest.NewRequest("GET", "/ready", nil))
		fmt.Println(w.Code)
		sessions.Close()
	}
	// Output:
	// 200
	// 503
}
