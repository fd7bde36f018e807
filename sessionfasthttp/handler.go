package sessionfasthttp

import (
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
)

var errNoRequest = errors.New("sessionfasthttp: RequestCtx is nil")

// Handler is [session.Manager.Handler] for fasthttp: m.FromContext(ctx) returns the session of a request that passes
// through it, loaded at the first call, and a visitor gets a record and a cookie only when something is stored. The
// session is saved when next has returned, before anything is sent. If that fails the ErrorHandler answers, by default
// with 503 Service Unavailable. When next panics nothing is saved. The package's comment says what
// becomes of streams, hijacked connections and timeouts.
func Handler(m *session.Manager, next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		x := newExchange(ctx)
		defer x.leave()
		_ = m.HandleExchange(x, func(h session.Handled) { // x answers errors itself
			ctx.SetUserValue(h.Value())
			x.handled, x.saves = h, true
			next(ctx)
		})
	}
}

// Start is [session.Manager.Start] for fasthttp. The caller must call SessionRelease or Save before the handler
// returns; nil stands for the ResponseWriter. Under [Handler] it returns the request's one Session.
func Start(m *session.Manager, ctx *fasthttp.RequestCtx) (*session.Session, error) {
	if ctx == nil {
		return nil, errNoRequest
	}
	return m.StartExchange(newExchange(ctx))
}

// Regenerate is [session.Manager.Regenerate] for fasthttp: a new sid, as each login must have. The caller must
// release the result, but under [Handler].
func Regenerate(m *session.Manager, ctx *fasthttp.RequestCtx) (*session.Session, error) {
	if ctx == nil {
		return nil, errNoRequest
	}
	return m.RegenerateExchange(newExchange(ctx))
}

// Destroy is [session.Manager.Destroy] for fasthttp: the logout.
func Destroy(m *session.Manager, ctx *fasthttp.RequestCtx) error {
	if ctx == nil {
		return errNoRequest
	}
	return m.DestroyExchange(newExchange(ctx))
}

// ShiftExpiration is [session.Manager.ShiftExpiration] for fasthttp: it moves the idle deadline now.
func ShiftExpiration(m *session.Manager, ctx *fasthttp.RequestCtx) error {
	if ctx == nil {
		return errNoRequest
	}
	return m.ShiftExpirationExchange(newExchange(ctx))
}

// UpdateExpiration is [session.Manager.UpdateExpiration] for fasthttp: the idle deadline is d from now.
func UpdateExpiration(m *session.Manager, ctx *fasthttp.RequestCtx, d time.Duration) error {
	if ctx == nil {
		return errNoRequest
	}
	return m.UpdateExpirationExchange(newExchange(ctx), d)
}
