// Package sessionbeego replaces beego's own sessions with those of a [session.Manager] in beego's web applications:
//
//	import sessionbeego "github.com/seed1a8f7c28/session/contrib/beego"
//
//	web.BConfig.WebConfig.Session.SessionOn = false
//	web.GlobalSessions = sessionbeego.GlobalSessions()
//	web.InsertFilterChain("/*", sessionbeego.FilterChain(globalSessions))
//
// Controllers need no change: GetSession, SetSession, DelSession, StartSession, SessionRegenerateID and DestroySession work
// on the manager's session, and so do ctx.Input.Session, ctx.Output.Session and ctx.Input.CruSession. A visitor gets a
// session when something is stored in it.
package sessionbeego

import (
	"net/http"

	"github.com/beego/beego/v2/core/logs"
	"github.com/beego/beego/v2/server/web"
	beegocontext "github.com/beego/beego/v2/server/web/context"

	"github.com/seed1a8f7c28/session"
)

// FilterChain returns a filter chain that gives each request the session of m, as [session.Manager.Handler] does. It saves
// the request's changes before the first byte of the response is sent, and again at the end of the request. If a save
// before the first byte fails, m's ErrorHandler answers instead of the application, by default with 503.
//
// The session is loaded before the next filter runs. If that fails, the visitor gets beego's page for 503 and keeps the
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

// Session returns the session of a request that came through [FilterChain], as [session.Manager.FromContext] does. It has
// the methods that beego's Store lacks.
func Session(ctx *beegocontext.Context) (*session.Session, error) {
	s, ok := ctx.Input.CruSession.(*store)
	if !ok {
		return nil, errNoFilter
	}
	return s.session()
}
