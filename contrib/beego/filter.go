// Package sessionbeego gives beego's web applications the sessions of a [session.Manager] instead of beego's own:
//
//	import sessionbeego "github.com/seed1a8f7c28/session/contrib/beego"
//
//	web.BConfig.WebConfig.Session.SessionOn = false
//	web.GlobalSessions = sessionbeego.GlobalSessions()
//	web.InsertFilterChain("/*", sessionbeego.FilterChain(globalSessions))
//
// Controllers stay as they are: GetSession, SetSession, DelSession, StartSession, SessionRegenerateID and
// DestroySession work on the manager's session, and so do ctx.Input.Session, ctx.Output.Session and
// ctx.Input.CruSession. A visitor has a session once something is stored for him.
package sessionbeego

import (
	"net/http"

	"github.com/beego/beego/v2/core/logs"
	"github.com/beego/beego/v2/server/web"
	beegocontext "github.com/beego/beego/v2/server/web/context"

	"github.com/seed1a8f7c28/session"
)

// FilterChain returns a filter chain that gives each request the session of m, as [session.Manager.Handler] does. What
// the request has changed is saved before the first byte of the response is sent, and again at its end. If the save
// fails the visitor gets 503 instead of the response, or what m's ErrorHandler answers.
//
// A visitor's session is loaded before the next filter runs. If that fails he gets beego's page for 503 and keeps his
// cookie.
func FilterChain(m *session.Manager) web.FilterChain {
	return func(next web.FilterFunc) web.FilterFunc {
		return func(ctx *beegocontext.Context) {
			outer, request := ctx.ResponseWriter.ResponseWriter, ctx.Request
			defer func() { ctx.ResponseWriter.ResponseWriter, ctx.Request = outer, request }()
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := &store{m: m, w: w, r: r}
				leave := visits.enter(s)
				defer leave()
				ctx.ResponseWriter.ResponseWriter, ctx.Request, ctx.Input.CruSession = w, s.r, s
				if _, err := s.session(); err != nil {
					logs.Error("session:", err)
					web.Exception(http.StatusServiceUnavailable, ctx)
					return
				}
				next(ctx)
			})).ServeHTTP(outer, request)
		}
	}
}

// Session returns the session of a request that came through [FilterChain]: what [session.Manager.FromContext]
// returns, with all that beego's Store does not have.
func Session(ctx *beegocontext.Context) (*session.Session, error) {
	s, ok := ctx.Input.CruSession.(*store)
	if !ok {
		return nil, errNoFilter
	}
	return s.session()
}
