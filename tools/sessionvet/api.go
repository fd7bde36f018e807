package main

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

const module = "github.com/seed1a8f7c28/session"

// known maps the packages whose functions the analyzers know to the prefix of these functions in the tables below.
var known = map[string]string{
	module:                      "session.",
	module + "/sessionfasthttp": "sessionfasthttp.",
}

// calleeOf returns the function that call calls, if a known package declares it, otherwise "". Examples are Manager.Start,
// Session.Set, session.SaveAll and sessionfasthttp.Start. The methods of a Store count as those of a Session.
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

// typeName returns the name of t or of the type it points to; "" if it has no name.
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

// An opening says what the caller of a function that returns a session must do.
type opening int

const (
	ofRequest opening = iota + 1 // must release it, except under Handler
	bySID                        // must release it
	byID                         // must save it if it was changed
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

// An effect says what a call does to the changes of a Session.
type effect int

const (
	none    effect = iota
	changes        // there are changes to save
	saves          // the changes so far are stored
	ends           // nothing has to be saved any more
)

// effects lists calls on a Session, or with it as an argument. Other methods change nothing.
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

// replacing lists calls that end or move the request's session, and with it an older Session.
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
