package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed1a8f7c28/session"
)

// A visitor returns from a payment by a POST that another site causes, so the browser withholds the SameSite cookie. The
// response sets no new cookie. The browser follows the redirect with the visitor's own cookie.
func Example_crossSite() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /paid", func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.FromContext(r.Context())
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		_ = sess.Set(r.Context(), "paid", r.FormValue("order")) // it cannot be stored: this request has no session
		if err := sess.Save(r.Context()); errors.Is(err, session.ErrCrossSite) {
			fmt.Println("not stored; new:", sess.IsNew())
		}
		http.Redirect(w, r, "/thanks?order="+r.FormValue("order"), http.StatusSeeOther)
	})

	r := httptest.NewRequest("POST", "/paid?order=7", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site") // as browsers do
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	w := httptest.NewRecorder()
	sessions.Handler(mux).ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"), "cookies:", len(w.Result().Cookies()))

	// Output:
	// not stored; new: false
	// 303 /thanks?order=7 cookies: 0
}
