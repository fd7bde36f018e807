// Sessionvet finds mistakes in the use of sessions that the compiler accepts. Run it with go vet:
//
//	go install github.com/seed1a8f7c28/session/tools/sessionvet@latest
//	go vet -vettool=$(which sessionvet) ./...
//
// In a clone of the repository, go install -C tools ./sessionvet installs it, because tools is a module of its own.
//
// # unreleased
//
// It reports a session that is opened if a path leads to a return without SessionRelease, SessionReleaseIfPresent or Save.
// Changes are lost there, and a session that is only read expires although it is used.
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
// Defer SessionRelease after the error check. Under Handler nothing has to be released: in a package that uses Handler,
// HandleExchange or FromContext, or imports such a package, sessionvet checks only sessions of GetSessionStore and
// SessionByID. It does not report a session that a function returns, stores elsewhere or passes on, because other code must
// release it.
//
// # losterror
//
// It reports an error that is thrown away.
//
//	sess.Set(ctx, "item", item)     // not stored, if item cannot be encoded for example
//	_ = sess.Logout(ctx)            // the visitor may still be logged in
//	sess, _ := sessions.Start(w, r) // nil while the store cannot be reached: the next use panics
//
// The errors of Login, Logout, Regenerate, RequireFresh, Destroy and the like must be used. The errors of methods that set,
// delete and save must not be ignored silently, not with defer or go either; _ = says that the error does not matter.
// SessionRelease reports its errors itself.
//
// # afterhandler
//
// It reports a goroutine that uses the session of a request if nothing shows that the handler waits for it. The session is
// saved when the handler has returned, and later changes by the goroutine are lost.
//
//	go func() {
//		mail(sess.User())
//		_ = sess.Set(context.Background(), "mailed", true)
//	}()
//
// Pass values instead, such as sess.User() or sess.Done(), or sess.ID() for SessionByID. Sessionvet reports nothing if the
// handler has a Wait, a receive from a channel or an endless loop, or if the goroutine calls Save or SessionRelease or
// signals that it is done.
//
// # To silence it
//
//	go audit(sess) //sessionvet:ignore it only reads
//
// The comment must be on the line of the diagnostic or on the line above, and should say why. The flag -losterror=false
// turns one analyzer off; -losterror turns all others off. Tests are not checked, except Examples, because people read them
// as documentation.
package main

import "golang.org/x/tools/go/analysis/unitchecker"

func main() {
	unitchecker.Main(unreleased, lostError, afterHandler)
}
