package main

import (
	_ "embed"
	"log"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/examples/internal/looks"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

const (
	countKey = "count" // int64, the type with which Increment begins
	maxName  = 40
)

//go:embed home.html
var homeText string

var homePage = looks.NewPage(homeText)

// view is the data for home.html.
type view struct {
	Title, Error string
	User         string // "" for nobody
	Count        int64
	MaxName      int
}

type app struct {
	sessions *session.Manager
}

// newApp returns the whole application: pages, sessions, and the protection against cross-site requests.
func newApp(m *session.Manager) fasthttp.RequestHandler {
	a := &app{sessions: m}
	pages := map[string]func(ctx *fasthttp.RequestCtx) error{
		"GET /": a.home, "POST /login": a.login, "POST /count": a.count, "POST /logout": a.logout,
	}
	style := fasthttpadaptor.NewFastHTTPHandlerFunc(looks.Style)
	return secured(sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		route := string(ctx.Method()) + " " + string(ctx.Path())
		if route == "GET /style.css" {
			style(ctx)
			return
		}
		page, ok := pages[route]
		if !ok {
			fail(ctx, fasthttp.StatusNotFound)
			return
		}
		ctx.Response.Header.Set("Cache-Control", "no-store")
		if err := page(ctx); err != nil {
			log.Printf("%s %s: %v", ctx.Method(), ctx.Path(), err)
			fail(ctx, fasthttp.StatusServiceUnavailable)
		}
	}))
}

// secured sets the headers of every response. It refuses requests that another site makes a browser send, before any
// session is loaded.
func secured(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		site, origin := string(ctx.Request.Header.Peek("Sec-Fetch-Site")), string(ctx.Request.Header.Peek("Origin"))
		_, host, _ := strings.Cut(origin, "://")
		sameOrigin := site == "same-origin" || site == "none" || site == "" && (origin == "" || host == string(ctx.Host()))
		if !ctx.IsGet() && !ctx.IsHead() && !sameOrigin {
			fail(ctx, fasthttp.StatusForbidden)
		} else {
			next(ctx)
		}
		for name, value := range looks.Header {
			ctx.Response.Header.Set(name, value)
		}
	}
}

// fail replaces the response with the page for a status.
func fail(ctx *fasthttp.RequestCtx, status int) {
	ctx.Error(string(looks.Problem(status)), status)
	ctx.SetContentType(looks.ContentType)
	ctx.Response.Header.Set("Cache-Control", "no-store")
	if status == fasthttp.StatusServiceUnavailable {
		ctx.Response.Header.Set("Retry-After", "5")
	}
}

// unavailable is the manager's ErrorHandler. It answers instead of a page whose changes could not be saved. ErrorHandlers
// are written for net/http and work on fasthttp too.
func unavailable(w http.ResponseWriter, _ *http.Request, _ error) {
	if w != nil {
		looks.Fail(w, http.StatusServiceUnavailable)
	}
}

// home stores nothing, so it sets no cookie.
func (a *app) home(ctx *fasthttp.RequestCtx) error {
	sess, err := a.sessions.FromContext(ctx)
	if err != nil {
		return err
	}
	v := view{Title: "Log in"}
	if v.User = sess.User(); v.User != "" {
		v.Title = "Hello, " + v.User
		v.Count, _ = sess.Get(ctx, countKey).(int64)
	}
	return show(ctx, fasthttp.StatusOK, v)
}

// show sends the page.
func show(ctx *fasthttp.RequestCtx, status int, v view) error {
	v.MaxName = maxName
	html, err := homePage.Bytes(v)
	if err != nil {
		return err
	}
	ctx.SetContentType(looks.ContentType)
	ctx.SetStatusCode(status)
	ctx.SetBody(html)
	return nil
}

// login takes any name. A real application compares a password hash and limits the attempts.
func (a *app) login(ctx *fasthttp.RequestCtx) error {
	// FormValue returns memory that fasthttp overwrites for the next request; string copies it.
	name := strings.ToValidUTF8(strings.TrimSpace(string(ctx.FormValue("name"))), "")
	if name == "" || utf8.RuneCountInString(name) > maxName {
		return show(ctx, fasthttp.StatusUnprocessableEntity, view{Title: "Log in", Error: "Enter a name of at most 40 characters."})
	}
	sess, err := a.sessions.FromContext(ctx)
	if err != nil {
		return err
	}
	return goHome(ctx, sess.Login(ctx, name))
}

func (a *app) count(ctx *fasthttp.RequestCtx) error {
	sess, err := a.sessions.FromContext(ctx)
	if err == nil && sess.User() != "" {
		_, err = sess.Increment(ctx, countKey, 1) // if two tabs count at the same time, both are counted
	}
	return goHome(ctx, err)
}

// logout ends the session in the store, so that a stolen cookie is useless too.
func (a *app) logout(ctx *fasthttp.RequestCtx) error {
	return goHome(ctx, sessionfasthttp.Destroy(a.sessions, ctx))
}

// goHome redirects to the first page after a form was processed, unless err is set. Handler saves the form's changes before
// the redirect is sent.
func goHome(ctx *fasthttp.RequestCtx, err error) error {
	if err == nil {
		ctx.Response.Header.Set("Location", "/")
		ctx.SetStatusCode(fasthttp.StatusSeeOther)
	}
	return err
}
