package sessiontest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// The test of a handler that greets who is logged in.
func ExampleNewRequest() {
	t := new(testing.T) // in a test this is the parameter

	manager, err := session.New(memory.New(), session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	greet := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sess, err := manager.SessionStart(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		fmt.Fprintf(w, "Hello, %v!", sess.Get(r.Context(), "user"))
	})

	w := httptest.NewRecorder()
	r := sessiontest.NewRequest(t, manager, "GET", "/", map[any]any{"user": "Ann"})
	greet.ServeHTTP(w, r)
	fmt.Println(w.Body)
	// Output: Hello, Ann!
}
