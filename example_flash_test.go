package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed1a8f7c28/session"
)

// A handler adds a message and redirects. The next page shows it once, on whichever node it is served.
func ExampleSession_AddFlash() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.FromContext(r.Context())
		if err == nil {
			err = sess.AddFlash(r.Context(), "Thank you for your order.")
		}
		if err == nil {
			err = sess.SetFlash(r.Context(), "warning", "Delivery takes a week.")
		}
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.FromContext(r.Context())
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		messages, err := sess.Flashes(r.Context())
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, messages)
		if warning, err := sess.GetFlash(r.Context(), "warning"); warning != nil && err == nil {
			fmt.Fprint(w, " ", warning)
		}
	})

	server := httptest.NewServer(sessions.Handler(mux))
	defer server.Close()
	browser := newBrowser()
	fmt.Println(browser.post(server.URL + "/orders"))
	fmt.Println(browser.get(server.URL))
	// Output:
	// [Thank you for your order.] Delivery takes a week.
	// []
}
