// Package onfasthttp opens sessions on fasthttp.
package onfasthttp

import (
	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
	"github.com/valyala/fasthttp"
)

func count(m *session.Manager, ctx *fasthttp.RequestCtx) {
	sess, err := sessionfasthttp.Start(m, ctx) // want `the session sess is never released`
	if err != nil {
		return
	}
	_ = sess.Set(ctx, "seen", true)
}

func login(m *session.Manager, ctx *fasthttp.RequestCtx) error {
	sess, err := sessionfasthttp.Regenerate(m, ctx)
	if err != nil {
		return err
	}
	defer sess.SessionRelease(ctx, nil)
	return sess.Set(ctx, "user", "ann")
}

func logout(m *session.Manager, ctx *fasthttp.RequestCtx) error {
	sess, err := sessionfasthttp.Start(m, ctx)
	if err != nil {
		return err
	}
	_ = sess.Set(ctx, "left", true)
	return sessionfasthttp.Destroy(m, ctx)
}
