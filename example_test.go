package session_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/memory"
)

// A page counts how often a visitor has seen it. Every handler that needs a session starts it, and releases it when it
// returns.
func Example() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()
	sessions.GC() // removes expired sessions, until Close

	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil { // the store cannot be asked; the visitor still has the session
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		visits, err := sess.Increment(r.Context(), "visits", 1)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "visit %d", visits)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.Destroy(w, r); err != nil {
			http.Error(w, "you are still logged in", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "goodbye")
	})

	server := httptest.NewServer(mux)
	defer server.Close()
	browser := newBrowser()
	for range 3 {
		fmt.Println(browser.get(server.URL))
	}
	fmt.Println(browser.post(server.URL + "/logout"))
	fmt.Println(browser.get(server.URL))
	// Output:
	// visit 1
	// visit 2
	// visit 3
	// goodbye
	// visit 1
}

// A browser keeps cookies.
type browser struct{ http.Client }

func newBrowser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{http.Client{Jar: jar}}
}

func (b *browser) get(url string) string { return body(b.Get(url)) }

func (b *browser) post(url string) string { return body(b.Post(url, "", nil)) }

func body(res *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return string(text)
}
