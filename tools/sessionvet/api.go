package main

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

const module = "github.com/seed1a8f7c28/session"

// known are the packages whose functions the analyzers know, with the prefix that a function has in their tables.
var known = map[string]string{
	module:                      "session.",
	module + "/sessionfasthttp": "sessionfasthttp.",
}

// calleeOf returns what call calls if that belongs to a known package, else "": for example Manager.Start, Session.Set,
// session.SaveAll or sessionfasthttp.Start. A Store's methods are those of a Session.
func calleeOf(info *types.Info, call *ast.CallExpr) string {
	f, _ := typeutil.Callee(info, call).(*types.Func)
	return nameOf(f)
}

func nameOf(f *types.Func) string {
	if f == nil || f.Pkg() == nil {
		return ""
	}
	prefix, ok := known[f.Pkg().Path()]
	if !ok {
		return ""
	}
	if recv := f.Signature().Recv(); recv != nil {
		name := typeName(recv.Type())
		if name == "Store" {
			name = "Session"
		}
		prefix = name + "."
	}
	return prefix + f.Name()
}

// typeName returns the name of t, or of what t points to; "" if it has none.
func typeName(t types.Type) string {
	if named := namedOf(t); named != nil {
		return named.Obj().Name()
	}
	return ""
}

func namedOf(t types.Type) *types.Named {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	named, _ := types.Unalias(t).(*types.Named)
	return named
}

// isSession reports whether t is *session.Session or session.Store.
func isSession(t types.Type) bool {
	named := namedOf(t)
	if named == nil || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != module {
		return false
	}
	return named.Obj().Name() == "Session" || named.Obj().Name() == "Store"
}

// An opening is what a function that returns a session asks of its caller.
type opening int

const (
	ofRequest opening = iota + 1 // to release it, but under Handler
	bySID                        // to release it
	byID                         // to save it, if it was changed
)

var openings = map[string]opening{
	"Manager.Start":               ofRequest,
	"Manager.SessionStart":        ofRequest,
	"Manager.StartExchange":       ofRequest,
	"Manager.Regenerate":          ofRequest,
	"Manager.RegenerateExchange":  ofRequest,
	"Manager.SessionRegenerateID": ofRequest,
	"sessionfasthttp.Start":       ofRequest,
	"sessionfasthttp.Regenerate":  ofRequest,
	"Manager.GetSessionStore":     bySID,
	"Manager.SessionByID":         byID,
}

// An effect is what a call means for the changes of a Session.
type effect int

const (
	none    effect = iota
	changes        // there is something to save
	saves          // what was changed so far is stored
	ends           // nothing of the session is to be saved any more
)

// effects of what is called on a Session, or with it as an argument. Other methods only look.
var effects = map[string]effect{
	"Session.AddFlash":                changes,
	"Session.Clear":                   changes,
	"Session.Decrement":               changes,
	"Session.Delete":                  changes,
	"Session.Flashes":                 changes,
	"Session.Flush":                   changes,
	"Session.GetFlash":                changes,
	"Session.GetFlashes":              changes,
	"Session.Increment":               changes,
	"Session.Pop":                     changes,
	"Session.RememberMe":              changes,
	"Session.Set":                     changes,
	"Session.SetAbsoluteLifetime":     changes,
	"Session.SetFlash":                changes,
	"Session.SetLabel":                changes,
	"Session.SetLifetime":             changes,
	"Session.SetMulti":                changes,
	"Session.Update":                  changes,
	"session.Update":                  changes,
	"Session.Login":                   saves,
	"Session.Regenerate":              saves,
	"Session.Save":                    saves,
	"Session.SessionRelease":          saves,
	"Session.SessionReleaseIfPresent": saves,
	"session.SaveAll":                 saves,
	"Session.Logout":                  ends,
}

// replacing calls end the request's session or move it, and an older Session with it.
var replacing = map[string]bool{
	"Manager.Destroy":             true,
	"Manager.DestroyExchange":     true,
	"Manager.Regenerate":          true,
	"Manager.RegenerateExchange":  true,
	"Manager.SessionDestroy":      true,
	"Manager.SessionRegenerateID": true,
	"sessionfasthttp.Destroy":     true,
	"sessionfasthttp.Regenerate":  true,
}
