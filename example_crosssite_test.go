package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed1a8f7c28/session"
)

// A payment returns by a POST of another site, without the cookie, which is SameSite. The answer sets none in its place; the redirect
// is followed with the visitor's own.
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
		_ = sess.Set(r.Context(), "paid", r.FormValue("order")) // there is no session to set it in
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
