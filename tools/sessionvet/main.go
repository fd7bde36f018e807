// Sessionvet finds mistakes in the use of sessions that the compiler lets pass. It is run by go vet:
//
//	go install github.com/seed1a8f7c28/session/tools/sessionvet@latest
//	go vet -vettool=$(which sessionvet) ./...
//
// # unreleased
//
// A session is opened, and there is a way to a return without SessionRelease, SessionReleaseIfPresent or Save. What was changed is
// lost there, and an idle session that is only read expires while it is used.
//
//	sess, err := sessions.Start(w, r)
//	if err != nil {
//		…
//	}
//	if r.FormValue("item") == "" {
//		return // here
//	}
//	err = errors.Join(sess.Set(ctx, "item", r.FormValue("item")), sess.Save(ctx))
//
// Defer SessionRelease once the error is checked. Under Handler nothing has to be released: a package that uses Handler, HandleExchange
// or FromContext, or imports one that does, is asked only for sessions of GetSessionStore and SessionByID. A session that a
// function returns, stores elsewhere or passes on is somebody else's to release.
//
// # losterror
//
// An error is thrown away.
//
//	sess.Set(ctx, "item", item)     // not stored, if item cannot be encoded for example
//	_ = sess.Logout(ctx)            // the visitor may still be logged in
//	sess, _ := sessions.Start(w, r) // nil while the store cannot be reached: the next use panics
//
// Of Login, Logout, Regenerate, RequireFresh, Destroy and the like the error must be used. Of what sets, deletes and saves it must not go
// unmentioned, also not by defer or go: _ = says that it does not matter. SessionRelease reports its errors itself.
//
// # afterhandler
//
// A goroutine takes along the session of a request, and nothing shows that the handler waits for it. When the handler has
// returned its session is saved, and what the goroutine changes is lost.
//
//	go func() {
//		mail(sess.User())
//		_ = sess.Set(context.Background(), "mailed", true)
//	}()
//
// Give it values instead, such as sess.User() or sess.Done(), or sess.ID() for SessionByID. Silent are a Wait, a receive
// from a channel and an endless loop in the handler, and in the goroutine a Save, a SessionRelease and whatever tells that it is done.
//
// # To silence it
//
//	go audit(sess) //sessionvet:ignore it only reads
//
// The comment stands on the line of the diagnostic or on the one above, and says why. The flag -losterror=false leaves out an analyzer, -losterror
// alone all others. Tests are not looked at; Examples are, since they are read as documentation.
package main

import "golang.org/x/tools/go/analysis/unitchecker"

func main() {
	unitchecker.Main(unreleased, lostError, afterHandler)
}
