package pebble_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/contrib/pebble"
)

// A shop counts a visitor's visits. It is restarted in between, and the sessions are still there.
func Example() {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var cookies []*http.Cookie
	for range 2 {
		sessions, err := session.NewManager("pebble", session.NewManagerConfig(
			session.CfgProviderConfig(filepath.Join(dir, "sessions"))))
		if err != nil {
			log.Fatal(err)
		}
		shop := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := sessions.FromContext(r.Context())
			if err != nil {
				http.Error(w, "try again", http.StatusServiceUnavailable)
				return
			}
			n, _ := s.Increment(r.Context(), "visits", 1)
			fmt.Fprintf(w, "visit number %d\n", n)
		}))
		for range 2 {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "https://shop.example/", nil)
			for _, cookie := range cookies {
				r.AddCookie(cookie)
			}
			shop.ServeHTTP(w, r)
			cookies = append(cookies, w.Result().Cookies()...)
			fmt.Print(w.Body)
		}
		if err := sessions.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// visit number 1
	// visit number 2
	// visit number 3
	// visit number 4
}
