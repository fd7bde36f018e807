package browser

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// The ways to a session.
const (
	withStart   = "Start"
	withHandler = "Handler"
)

const cookieName = "gosessionid"

// A shop is an application with sessions, at shop.test and below. bank.test and news.test are on the same server.
type shop struct {
	sessions *session.Manager
	way      string
	port     string
	long     time.Duration // for which the visitor is remembered who wants that
	// begun is called by /late before it opens the session, and read by /together and /slow once they have.
	begun, read func()
	sees        func(r *http.Request) // each request, as it came
}

// newShop opens a shop, which is closed with the test.
func newShop(t *testing.T, way string, opts ...session.ManagerConfigOpt) *shop {
	t.Helper()
	opts = append([]session.ManagerConfigOpt{session.CfgLogger(slog.New(slog.DiscardHandler))}, opts...)
	m, err := session.New(memory.New(), session.NewManagerConfig(opts...))
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{sessions: m, way: way, long: 30 * day}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page(s.home))
	mux.HandleFunc("GET /account", s.page(func(w http.ResponseWriter, r *http.Request, sess *session.Session) error {
		if r.FormValue("keep") == "" {
			w.Header().Set("Cache-Control", "no-store") // as examples/login does
		}
		return s.home(w, r, sess)
	}))
	mux.HandleFunc("POST /login", s.page(func(w http.ResponseWriter, r *http.Request, sess *session.Session) error {
		err := sess.Login(r.Context(), cmp.Or(r.FormValue("user"), "ann"))
		if r.FormValue("remember") != "" {
			err = errors.Join(err, sess.RememberMe(r.Context(), s.long))
		}
		return goOn(w, r, "/", err)
	}))
	mux.HandleFunc("POST /logout", s.page(func(w http.ResponseWriter, r *http.Request, sess *session.Session) error {
		return goOn(w, r, "/bye", sess.Logout(r.Context()))
	}))
	mux.HandleFunc("POST /count", s.page(func(w http.ResponseWriter, r *http.Request, sess *session.Session) error {
		_, err := sess.Increment(r.Context(), "count", 1)
		return goOn(w, r, "/", err)
	}))
	// A bank returns the visitor by POST.
	mux.HandleFunc("POST /paid", s.page(func(w http.ResponseWriter, r *http.Request, sess *session.Session) error {
		err := sess.Set(r.Context(), "paid", true)
		if r.FormValue("by") == "redirect" {
			return goOn(w, r, "/thanks", err)
		}
		return errors.Join(err, write(w, `<meta http-equiv="refresh" content="0; url=/thanks"><p>One moment</p>`))
	}))
	mux.HandleFunc("GET /thanks", s.page(s.home))
	mux.HandleFunc("POST /late", func(w http.ResponseWriter, r *http.Request) {
		s.begun()
		s.page(s.note)(w, r)
	})
	mux.HandleFunc("POST /slow", s.page(func(w http.ResponseWriter, r *http.Request, sess *session.Session) error {
		s.read()
		return s.note(w, r, sess)
	}))
	mux.HandleFunc("POST /together", s.page(s.together))
	mux.HandleFunc("GET /framed", s.page(func(w http.ResponseWriter, r *http.Request, sess *session.Session) error {
		n, err := sess.Increment(r.Context(), "count", 1)
		return errors.Join(err, write(w, fmt.Sprintf(`<p>Seen: %d</p><script>parent.postMessage("Framed: %d", "*")</script>`, n, n)))
	}))
	var h http.Handler = mux
	if way == withHandler {
		h = m.Handler(h)
	}
	all := http.NewServeMux()
	all.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if s.sees != nil {
			s.sees(r)
		}
		h.ServeHTTP(w, r)
	})
	all.HandleFunc("GET /bye", text(`<p>Bye</p><a href="/">Home</a>`))
	server := httptest.NewUnstartedServer(all)
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	_, s.port, _ = strings.Cut(server.Listener.Addr().String(), ":")
	for _, site := range []string{"bank.test", "news.test"} {
		all.HandleFunc(site+"/", text(`<p>`+site+`</p>
<form method="post" action="`+s.at("/paid")+`">
<button id="pay" name="by" value="page">Pay</button> <button id="redirect" name="by" value="redirect">Pay</button></form>
<a id="link" href="`+s.at("/")+`">Shop</a>`))
		all.HandleFunc(site+"/frame", text(`<p>`+site+`</p><p id="out"></p>
<script>addEventListener("message", e => { document.getElementById("out").textContent = e.data })</script>
<iframe src="`+s.at("/framed")+`"></iframe>`))
	}
	return s
}

// at returns the address of a page, at shop.test unless another host is given.
func (s *shop) at(path string, host ...string) string {
	return "https://" + append(host, "shop.test")[0] + ":" + s.port + path
}

// A page answers with the request's session.
type page func(w http.ResponseWriter, r *http.Request, sess *session.Session) error

func (s *shop) page(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var sess *session.Session
		var err error
		if s.way == withStart {
			if sess, err = s.sessions.Start(w, r); err == nil {
				defer sess.SessionRelease(r.Context(), w)
			}
		} else {
			sess, err = s.sessions.FromContext(r.Context())
		}
		if err == nil {
			_ = r.ParseForm()
			err = p(w, r, sess)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}

var greeting = template.Must(template.New("").Parse(`<!DOCTYPE html><title>shop</title>
<p>Hello, {{.User}}</p>
<p>Count: {{.Count}}</p>
<form method="post" action="/login"><button id="login">Log in</button>
<button id="remember" name="remember" value="on">Log in for long</button><button id="bob" name="user" value="bob">Log in as Bob</button></form>
<form method="post" action="/count"><button id="count">Count</button></form>
<form method="post" action="/together"><button id="together">Count</button> <button id="apart" name="apart" value="1">Count</button></form>
<form method="post" action="/logout"><button id="logout">Log out</button></form>
<a id="again" href="/">Again</a>`))

// home greets the visitor, and stores nothing.
func (s *shop) home(w http.ResponseWriter, r *http.Request, sess *session.Session) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return greeting.Execute(w, map[string]any{
		"User": cmp.Or(sess.User(), "stranger"), "Count": sess.GetInt64Default(r.Context(), "count", 0),
	})
}

// note stores something, as requests do that scripts make now and then.
func (s *shop) note(w http.ResponseWriter, r *http.Request, sess *session.Session) error {
	user := cmp.Or(sess.User(), "stranger")
	err := sess.Set(r.Context(), "note", time.Now())
	if err == nil {
		err = sess.Save(r.Context())
	}
	if errors.Is(err, session.ErrDestroyed) {
		return write(w, "too late for "+user)
	}
	return errors.Join(err, write(w, "noted for "+user))
}

// together counts when another request does, in one step or apart.
func (s *shop) together(w http.ResponseWriter, r *http.Request, sess *session.Session) error {
	ctx := r.Context()
	n := sess.GetInt64Default(ctx, "count", 0)
	s.read()
	var err error
	if r.FormValue("apart") != "" {
		err = sess.Set(ctx, "count", n+1)
	} else {
		_, err = sess.Increment(ctx, "count", 1)
	}
	return goOn(w, r, "/", err)
}

func goOn(w http.ResponseWriter, r *http.Request, where string, err error) error {
	if err == nil {
		http.Redirect(w, r, where, http.StatusSeeOther)
	}
	return err
}

func write(w http.ResponseWriter, html string) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := io.WriteString(w, html)
	return err
}

func text(html string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _ = write(w, "<!DOCTYPE html>"+html) }
}

// A gate holds requests up.
type gate struct {
	came, open chan struct{}
}

func newGate() *gate { return &gate{make(chan struct{}), make(chan struct{})} }

// pass says that a request is there, and waits until the gate is open.
func (g *gate) pass() {
	given := time.After(patience) // after which the test has failed
	select {
	case g.came <- struct{}{}:
	case <-given:
		return
	}
	select {
	case <-g.open:
	case <-given:
	}
}

// await waits until n requests are there.
func (g *gate) await(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-g.came:
		case <-time.After(patience):
			t.Fatal("no request came")
		}
	}
}
