// Package sessionfasthttp gives applications on github.com/valyala/fasthttp the sessions of a [session.Manager]. The
// same manager, and the same sessions, can serve net/http beside it.
//
//	server := &fasthttp.Server{Handler: sessionfasthttp.Handler(sessions, func(ctx *fasthttp.RequestCtx) {
//		sess, err := sessions.FromContext(ctx)
//		if err != nil {
//			ctx.Error("try again", fasthttp.StatusServiceUnavailable)
//			return
//		}
//		n, _ := sess.Increment(ctx, "visits", 1)
//		fmt.Fprintf(ctx, "visit number %d\n", n)
//	})}
//
// [Handler] and FromContext are the way in that needs no care. [Start] gives every visitor a session and must be
// released, as on net/http. It puts the cookie into the response at once, from which ctx.Error, ctx.NotFound and
// ctx.Response.Reset remove it with all other headers; Handler does so when the application has returned.
//
// # When the session is saved
//
// fasthttp sends nothing before the handler has returned. Handler saves at that moment, and the cookie goes into the
// header. What a SetBodyStreamWriter or a Hijack handler changes later is saved when it is done, as far as it needs
// no new cookie: a session that has not begun when the handler returns is refused with [session.ErrCommitted]. If the
// client leaves in the middle of a stream, fasthttp tells the stream's writer and does not wait for it: what it
// changes after that is not saved, unless it calls Save. With HijackSetNoResponse there is no response, and no cookie.
//
// # What is kept of a RequestCtx
//
// fasthttp uses a RequestCtx, and the memory of its strings, for other requests later. A Session keeps copies, and lets
// go of the RequestCtx when the request is over. A goroutine that goes on may use the Session: it works, or
// returns [session.ErrCommitted] where a header would be needed. It must not use the RequestCtx, not
// even as the context of such a call: [context.Background] will do. An EventHandler or Logger that keeps the context it
// was called with must not ask it for values either.
//
// fasthttp.TimeoutHandler goes around Handler, not inside: when the time is over it leaves the application running,
// with the RequestCtx in its hands. What that changes is saved when it returns, but the client does not get the cookie.
package sessionfasthttp
