// Command events shows a page that the server ends: a stream of events to a browser stops, and the page says so, the
// moment its user logs out in another window.
//
//	go run ./examples/events
//
// Open http://127.0.0.1:8080 in two windows of one browser, log in, and log out in one of them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/memory"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		log.Fatal(err)
	}
	go sessions.GC()
	log.Printf("open http://%s", *addr)
	log.Fatal(http.ListenAndServe(*addr, newApp(sessions, time.Second)))
}

// newApp returns the application. Its stream has an event every interval.
func newApp(sessions *session.Manager, interval time.Duration) http.Handler {
	a := &app{sessions, interval}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.page)
	mux.HandleFunc("POST /login", a.login)
	mux.HandleFunc("POST /logout", a.logout)
	mux.HandleFunc("GET /events", a.events)
	return http.NewCrossOriginProtection().Handler(sessions.Handler(mux))
}

type app struct {
	sessions *session.Manager
	interval time.Duration
}

func (a *app) page(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		unavailable(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if sess.User() == "" {
		fmt.Fprint(w, `<!doctype html><title>events</title><form method="post" action="/login"><button>Log in</button></form>`)
		return
	}
	fmt.Fprint(w, `<!doctype html><title>events</title>
<form method="post" action="/logout"><button>Log out</button></form>
<p id="out">waiting</p>
<script>
const out = document.getElementById("out"), events = new EventSource("/events")
events.onmessage = e => { out.textContent = e.data }
events.addEventListener("bye", () => { events.close(); out.textContent = "you have logged out elsewhere" })
</script>`)
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err == nil {
		err = sess.Login(r.Context(), "ann") // a real application asks for a password first
	}
	if err != nil {
		unavailable(w)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err == nil {
		err = sess.Logout(r.Context())
	}
	if err != nil {
		unavailable(w)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// events sends the time until the client goes or the session ends.
func (a *app) events(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		unavailable(w)
		return
	}
	if sess.User() == "" {
		http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
		return
	}
	done := sess.Done()
	w.Header().Set("Content-Type", "text/event-stream")
	ticker := time.NewTicker(a.interval)
	defer ticker.Stop()
	flush := http.NewResponseController(w)
	for {
		fmt.Fprintf(w, "data: %s\n\n", time.Now().Format(time.TimeOnly))
		if err := flush.Flush(); err != nil {
			if !errors.Is(err, http.ErrNotSupported) {
				return // the client has gone
			}
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-done:
			fmt.Fprint(w, "event: bye\ndata: the session has ended\n\n")
			_ = flush.Flush()
			return
		}
	}
}

func unavailable(w http.ResponseWriter) {
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}
