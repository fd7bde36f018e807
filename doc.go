// Package session keeps HTTP sessions for web applications.
//
// An application imports a provider for its name, makes a [Manager], and starts a session in each
// handler that needs one:
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
// The names are those of beego's session package; docs/beego.md says what differs. [Manager.Handler] is the
// same as middleware: it loads a session when a handler first asks for it, gives one only to visitors for
// whom something is stored, and answers with an error if it cannot be saved.
//
// # What is promised
//
// Requests of one session may run at the same time, on one node or on many. Each reads the values as they
// were when it began, plus its own changes. A save applies the request's changes to what is stored by then:
// nothing that others changed is undone. A session that was destroyed, regenerated or has expired stays
// gone, whatever is still running. When the store cannot be reached that is an error, never an anonymous
// visitor. What a stored session or a log line shows is no sid. Package cookie, which stores nothing, says
// what of this it cannot keep.
//
// # Own storage
//
// Five methods on bytes make a storage engine: see [driver.Backend] and [NewProvider]. Package sessiontest checks
// them against every sentence of the contract.
package session
