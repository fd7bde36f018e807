package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed1a8f7c28/session"
)

// As middleware a Manager gives a session only to visitors for whom something is stored. It saves the session before the
// response headers are sent, so no handler has to release it.
func ExampleManager_Handler() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.FromContext(r.Context())
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		color, _ := sess.Get(r.Context(), "color").(string)
		fmt.Fprintf(w, "color %q, %d sessions", color, sessions.GetActiveSession())
	})
	mux.HandleFunc("POST /{color}", func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.FromContext(r.Context())
		if err == nil {
			err = sess.Set(r.Context(), "color", r.PathValue("color"))
		}
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "stored")
	})

	server := httptest.NewServer(sessions.Handler(mux))
	defer server.Close()
	browser := newBrowser()
	fmt.Println(browser.get(server.URL))
	fmt.Println(browser.post(server.URL + "/green"))
	fmt.Println(browser.get(server.URL))
	// Output:
	// color "", 0 sessions
	// stored
	// color "green", 1 sessions
}
