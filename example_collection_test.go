package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/seed1a8f7c28/session"
)

// The articles in a cart are values of the session, one value for each article.
func ExampleSession_All() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	cart := func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(ctx, w)
		// It sets all of them or, with an error, none.
		if err := sess.SetMulti(ctx, map[any]any{"book": 2, "pen": 10, "voucher": "SPRING"}); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		voucher, err := sess.Pop(ctx, "voucher")
		fmt.Println(voucher, err, sess.Has(ctx, "voucher"))

		var lines []string
		for article, n := range sess.All(ctx) {
			lines = append(lines, fmt.Sprint(n, " ", article))
		}
		slices.Sort(lines)
		fmt.Println(lines)

		if err := sess.Clear(ctx); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		n, err := sess.Len(ctx)
		fmt.Println(n, err)
	}
	cart(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil))
	// Output:
	// SPRING <nil> false
	// [10 pen 2 book]
	// 0 <nil>
}
