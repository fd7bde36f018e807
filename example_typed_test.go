package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// Values come back with their type. GetInt and similar methods accept an integer of any type that fits, for example a
// counter. Get accepts exactly one type.
func ExampleGet() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	page := func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(ctx, w)
		err = sess.SetMulti(ctx, map[any]any{"roles": []string{"editor"}, "seen": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
		if err == nil {
			_, err = sess.Increment(ctx, "visits", 3)
		}
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}

		roles, err := session.Get[[]string](ctx, sess, "roles")
		fmt.Println(roles, err)
		visits, err := sess.GetInt(ctx, "visits")
		fmt.Println(visits, err)
		seen, err := sess.GetTime(ctx, "seen")
		fmt.Println(seen.Year(), err)
		fmt.Println(sess.GetStringDefault(ctx, "theme", "light"))

		_, err = session.Get[string](ctx, sess, "theme")
		fmt.Println(errors.Is(err, session.ErrNoValue))
		_, err = session.Get[int](ctx, sess, "visits")
		fmt.Println(err)
	}
	page(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	// Output:
	// [editor] <nil>
	// 3 <nil>
	// 2026 <nil>
	// light
	// true
	// session: the value is of type int64, not int
}

// Two requests put something into the cart at the same time, and both articles are in it afterwards. The function gets its
// own type, also with the json codec, which does not know Go's types.
func ExampleUpdate() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig(session.CfgCodec("json")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	add := func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(ctx, w)
		err = session.Update(ctx, sess, "cart", func(cart map[string]int) (map[string]int, error) {
			if cart == nil {
				cart = make(map[string]int)
			}
			cart[r.FormValue("article")]++
			return cart, nil
		})
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		cart, err := session.Get[map[string]int](ctx, sess, "cart")
		fmt.Println(cart, err)
	}

	answer := httptest.NewRecorder()
	add(answer, httptest.NewRequest("POST", "/cart?article=tea", nil))
	for _, article := range []string{"cup", "tea"} {
		again := httptest.NewRequest("POST", "/cart?article="+article, nil)
		again.AddCookie(answer.Result().Cookies()[0])
		add(httptest.NewRecorder(), again)
	}
	// Output:
	// map[tea:1] <nil>
	// map[cup:1 tea:1] <nil>
	// map[cup:1 tea:2] <nil>
}
