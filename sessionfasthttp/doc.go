// Package sessionfasthttp adds the sessions of a [session.Manager] to applications on github.com/valyala/fasthttp. The same
// manager can serve net/http at the same time, with the same sessions.
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
// Use [Handler] with FromContext unless you have a reason not to. [Start] gives every visitor a session, which the caller
// must release, as on net/http. Start puts the cookie into the response at once; ctx.Error, ctx.NotFound and
// ctx.Response.Reset then remove it together with all other headers. Handler sets the cookie after the application has
// returned.
//
// # When the session is saved
//
// fasthttp sends nothing before the handler has returned. Handler saves the session at that moment and puts the cookie into
// the response header. A SetBodyStreamWriter or Hijack handler may change the session later. Such changes are saved when it
// has finished, but no new cookie can be sent then: if the session did not exist when the handler returned, the change is
// refused with [session.ErrCommitted]. A stream writer runs concurrently with the handler as soon as it is set, so begin
// its session before you set it. If the client disconnects in the middle of a stream, fasthttp reports this to the stream
// writer and does not wait for it. Changes that the stream writer makes after that are not saved, unless it calls Save.
// With HijackSetNoResponse there is no response and no cookie.
//
// # What is kept of a RequestCtx
//
// fasthttp reuses a RequestCtx, and the memory of its strings, for later requests. A Session therefore keeps copies, and
// releases the RequestCtx when the request is over. A goroutine that is still running may use the Session: the call works,
// or returns [session.ErrCommitted] if it would need a response header. The goroutine must not use the RequestCtx, not even
// as the context of such a call; pass [context.Background] instead. An EventHandler or Logger that keeps the context of its
// call must not ask that context for values either.
//
// Put fasthttp.TimeoutHandler around Handler, not inside it. When the timeout expires, it leaves the application running
// with the RequestCtx. The changes that the application makes are saved when it returns, but the client does not get the
// cookie.
package sessionfasthttp
