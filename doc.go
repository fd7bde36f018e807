// Package session provides HTTP sessions for web applications.
//
// An application imports the package of a provider, which registers itself under a name, makes a [Manager], and starts
// a session in each handler that needs one:
//
//	import (
//		"github.com/seed1a8f7c28/session"
//		_ "github.com/seed1a8f7c28/session/memory"
//	)
//
//	manager, err := session.NewManager("memory", session.NewManagerConfig())
//	...
//	go manager.GC()
//	defer manager.Close()
//
//	func handler(w http.ResponseWriter, r *http.Request) {
//		sess, err := manager.SessionStart(w, r)
//		if err != nil {
//			http.Error(w, "try again later", http.StatusServiceUnavailable)
//			return
//		}
//		defer sess.SessionRelease(r.Context(), w)
//		if err := sess.Set(r.Context(), "seen", true); err != nil {
//			http.Error(w, "try again later", http.StatusServiceUnavailable)
//		}
//	}
//
// The names are those of beego's session package; docs/beego.md lists the differences.
//
// [Manager.Handler] does the same as middleware: it loads a session when a handler first asks for it, creates one only
// for visitors for whom something is stored, and answers with an error if the session cannot be saved.
//
// # What is promised
//
//   - Requests of the same session may run at the same time, on one node or on many. Each request reads the values as they
//     were when it loaded the session, plus its own changes.
//   - A save applies the request's changes to the session as it is stored by then. It does not undo what other requests
//     have stored under other keys. Under the same key the last save wins, and updates and increments compose.
//   - A session that was destroyed or has expired does not come back, and neither does a sid that was replaced, whatever
//     requests are still running.
//   - If the store cannot be reached, the application gets an error. The visitor is never taken for a new one.
//   - No log line contains a sid. The store contains none either, except with the memory provider, in beego mode, and with
//     third-party providers.
//
// Package cookie stores nothing on the server. Its documentation says which of these promises it cannot keep.
//
// # Own storage
//
// A storage engine consists of five methods on bytes: see [driver.Backend] and [NewProvider]. Package sessiontest checks
// an engine against every sentence of that contract.
package session
