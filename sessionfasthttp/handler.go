package sessionfasthttp

import (
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
)

var errNoRequest = errors.New("sessionfasthttp: RequestCtx is nil")

// Handler is [session.Manager.Handler] for fasthttp. Inside next, m.FromContext(ctx) returns the session of the request. It
// loads the session at the first call, and a visitor gets a record and a cookie only when something is stored. Handler
// saves the session when next has returned, before anything is sent. If saving fails, the manager's ErrorHandler answers,
// by default with 503 Service Unavailable. If next panics, nothing is saved. The package comment describes streams,
// hijacked connections and timeouts.
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

// Start is [session.Manager.Start] for fasthttp. The caller must call Save, or SessionRelease with nil as the
// ResponseWriter, before the handler returns. Under [Handler] it returns the one Session of the request.
func Start(m *session.Manager, ctx *fasthttp.RequestCtx) (*session.Session, error) {
	if ctx == nil {
		return nil, errNoRequest
	}
	return m.StartExchange(newExchange(ctx))
}

// Regenerate is [session.Manager.Regenerate] for fasthttp. It gives the session a new sid, which every login needs. The
// caller must release the result, except under [Handler].
func Regenerate(m *session.Manager, ctx *fasthttp.RequestCtx) (*session.Session, error) {
	if ctx == nil {
		return nil, errNoRequest
	}
	return m.RegenerateExchange(newExchange(ctx))
}

// Destroy is [session.Manager.Destroy] for fasthttp. It logs the visitor out.
func Destroy(m *session.Manager, ctx *fasthttp.RequestCtx) error {
	if ctx == nil {
		return errNoRequest
	}
	return m.DestroyExchange(newExchange(ctx))
}

// ShiftExpiration is [session.Manager.ShiftExpiration] for fasthttp. It moves the idle deadline at once.
func ShiftExpiration(m *session.Manager, ctx *fasthttp.RequestCtx) error {
	if ctx == nil {
		return errNoRequest
	}
	return m.ShiftExpirationExchange(newExchange(ctx))
}

// UpdateExpiration is [session.Manager.UpdateExpiration] for fasthttp. It sets the idle deadline to d from now.
func UpdateExpiration(m *session.Manager, ctx *fasthttp.RequestCtx, d time.Duration) error {
	if ctx == nil {
		return errNoRequest
	}
	return m.UpdateExpirationExchange(newExchange(ctx), d)
}
