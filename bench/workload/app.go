// Package workload defines what is measured: the values of a session, what requests do with them, and how requests are
// made. It imports no session library; package library supplies the calls of each one.
package workload

import (
	"io"
	"net/http"

	"github.com/valyala/fasthttp"
)

// An App is an application that uses one library for its sessions, on one backend. Exactly one of HTTP and Fast is set.
// They return a handler for requests of [Op.Path].
type App struct {
	HTTP func(op Op) http.Handler            // on net/http
	Fast func(op Op) fasthttp.RequestHandler // on fasthttp

	// Close releases the backend. Nil means that there is nothing to release.
	Close func() error
}

// Path returns the path of the requests that op's handler answers.
func (op Op) Path() string { return "/" + string(op.Kind) }

// An HTTP is a net/http request and its ResponseWriter.
type HTTP struct {
	W http.ResponseWriter // the answer
	R *http.Request       // the request
}

// OnHTTP returns an application on net/http. wrap is the library's middleware, nil if it has none.
func OnHTTP[S any](calls Calls[HTTP, S], wrap func(http.Handler) http.Handler) *App {
	return &App{HTTP: func(op Op) http.Handler {
		var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := calls.Do(op, HTTP{w, r})
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_, _ = io.WriteString(w, body)
		})
		if wrap != nil {
			h = wrap(h)
		}
		return h
	}}
}

// OnFast returns an application on fasthttp. wrap is the library's middleware, nil if it has none.
func OnFast[S any](
	calls Calls[*fasthttp.RequestCtx, S], wrap func(fasthttp.RequestHandler) fasthttp.RequestHandler,
) *App {
	return &App{Fast: func(op Op) fasthttp.RequestHandler {
		h := func(ctx *fasthttp.RequestCtx) {
			body, err := calls.Do(op, ctx)
			if err != nil {
				ctx.Error(err.Error(), http.StatusInternalServerError)
				return
			}
			ctx.SetBodyString(body)
		}
		if wrap != nil {
			return wrap(h)
		}
		return h
	}}
}

// Closing sets app.Close and returns app.
func (app *App) Closing(f func() error) *App {
	app.Close = f
	return app
}

// Shut calls Close, if it is set.
func (app *App) Shut() error {
	if app.Close == nil {
		return nil
	}
	return app.Close()
}
