// Command events shows a page with a stream of events. When its user logs out in another window, the server ends the stream
// at once, and the page says so.
//
//	go run ./examples/events
//
// Open http://127.0.0.1:8080 in two windows of one browser, log in, and log out in one of them.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/examples/internal/looks"
	_ "github.com/seed1a8f7c28/session/memory"
)

//go:embed home.html
var homeText string

var homePage = looks.NewPage(homeText)

//go:embed events.js
var script []byte

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "the `host:port` to listen on; port 0 takes a free one")
	flag.Parse()
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := session.NewManager("memory", session.NewManagerConfig(session.CfgErrorHandler(unavailable)))
	if err != nil {
		log.Fatal(err)
	}
	go sessions.GC()
	log.Printf("open http://%s/", l.Addr())
	log.Fatal(http.Serve(l, newApp(sessions, time.Second)))
}

// newApp returns the application. Its stream sends an event in every interval.
func newApp(sessions *session.Manager, interval time.Duration) http.Handler {
	a := &app{sessions, interval}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.page)
	mux.HandleFunc("POST /login", a.login)
	mux.HandleFunc("POST /logout", a.logout)
	mux.HandleFunc("GET /events", a.events)
	mux.HandleFunc("GET /events.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Write(script)
	})
	mux.HandleFunc("GET /style.css", looks.Style)
	mux.HandleFunc("/", looks.NotFound)
	return looks.Secured(sessions.Handler(mux))
}

type app struct {
	sessions *session.Manager
	interval time.Duration
}

// view is the data for home.html.
type view struct {
	Title string
	User  string // "" for nobody
}

func (a *app) page(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		unavailable(w, r, err)
		return
	}
	v := view{Title: "Log in", User: sess.User()}
	if v.User != "" {
		v.Title = "Hello, " + v.User
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", looks.Policy+"; script-src 'self'; connect-src 'self'")
	homePage.Write(w, http.StatusOK, v)
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err == nil {
		err = sess.Login(r.Context(), "Ann") // a real application asks for a password first
	}
	if err != nil {
		unavailable(w, r, err)
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
		unavailable(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// events sends the time until the client goes or the session ends.
func (a *app) events(w http.ResponseWriter, r *http.Request) {
	sess, err := a.sessions.FromContext(r.Context())
	if err != nil {
		unavailable(w, r, err)
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
				return // the client has disconnected
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

// unavailable is also the manager's ErrorHandler. It answers instead of a page whose changes could not be saved.
func unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if w != nil {
		log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
		looks.Fail(w, http.StatusServiceUnavailable)
	}
}
