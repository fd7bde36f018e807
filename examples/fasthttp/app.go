package main

import (
	"html/template"
	"log"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

const (
	countKey = "count" // int64, as Increment begins it
	maxName  = 40
)

var home = template.Must(template.New("home").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Sessions on fasthttp</title>
{{if .User}}<p>Hello, {{.User}}. You have counted to {{.Count}}.</p>
<form method="post" action="/count"><button>Count</button></form>
<form method="post" action="/logout"><button>Log out</button></form>
{{else}}<form method="post" action="/login"><label>Name <input name="name" maxlength="40" required></label> <button>Log in</button></form>
{{end}}</html>
`))

type app struct {
	sessions *session.Manager
}

// newApp returns the whole application: pages, sessions, and the guard against forged requests.
func newApp(m *session.Manager) fasthttp.RequestHandler {
	a := &app{sessions: m}
	pages := map[string]func(ctx *fasthttp.RequestCtx) error{
		"GET /": a.home, "POST /login": a.login, "POST /count": a.count, "POST /logout": a.logout,
	}
	return guarded(sessionfasthttp.Handler(m, func(ctx *fasthttp.RequestCtx) {
		page, ok := pages[string(ctx.Method())+" "+string(ctx.Path())]
		if !ok {
			ctx.Error("not found", fasthttp.StatusNotFound)
			return
		}
		if err := page(ctx); err != nil {
			log.Printf("%s %s: %v", ctx.Method(), ctx.Path(), err)
			ctx.Error("The sessions cannot be reached just now. Please try again.", fasthttp.StatusServiceUnavailable)
		}
	}))
}

// guarded refuses what another site has a browser send, before a session is looked at.
func guarded(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		site, origin := string(ctx.Request.Header.Peek("Sec-Fetch-Site")), string(ctx.Request.Header.Peek("Origin"))
		_, host, _ := strings.Cut(origin, "://")
		sameOrigin := site == "same-origin" || site == "none" || site == "" && (origin == "" || host == string(ctx.Host()))
		if !ctx.IsGet() && !ctx.IsHead() && !sameOrigin {
			ctx.Error("forbidden", fasthttp.StatusForbidden)
			return
		}
		next(ctx)
	}
}

// unavailable is the manager's ErrorHandler: it answers in place of a page whose changes could not be saved. It is
// written for net/http, and serves both.
func unavailable(w http.ResponseWriter, _ *http.Request, _ error) {
	if w != nil {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "The sessions cannot be reached just now. Please try again.", http.StatusServiceUnavailable)
	}
}

// home stores nothing, and so sets no cookie.
func (a *app) home(ctx *fasthttp.RequestCtx) error {
	sess, err := a.sessions.FromContext(ctx)
	if err != nil {
		return err
	}
	count, _ := sess.Get(ctx, countKey).(int64)
	ctx.SetContentType("text/html; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	return home.Execute(ctx, map[string]any{"User": sess.User(), "Count": count})
}

// login takes any name. A real application compares a password hash and limits the attempts.
func (a *app) login(ctx *fasthttp.RequestCtx) error {
	// FormValue is fasthttp's memory, which the next request overwrites; string copies it.
	name := strings.TrimSpace(string(ctx.FormValue("name")))
	if name == "" || len(name) > maxName {
		ctx.Error("Enter a name of at most 40 characters.", fasthttp.StatusBadRequest)
		return nil
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
		_, err = sess.Increment(ctx, countKey, 1) // when two tabs count at once, both count
	}
	return goHome(ctx, err)
}

// logout ends the session in the store, so that its cookie is worth nothing even to a thief.
func (a *app) logout(ctx *fasthttp.RequestCtx) error {
	return goHome(ctx, sessionfasthttp.Destroy(a.sessions, ctx))
}

// goHome answers a form that was dealt with, unless err says that it was not. Handler saves what the form changed
// before the redirect is sent.
func goHome(ctx *fasthttp.RequestCtx, err error) error {
	if err == nil {
		ctx.Response.Header.Set("Location", "/")
		ctx.SetStatusCode(fasthttp.StatusSeeOther)
	}
	return err
}
