package main

import (
	"go/ast"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

var lostError = &analysis.Analyzer{
	Name: "losterror",
	Doc: `find errors of sessions that are thrown away

If Login, Logout, Regenerate, RequireFresh or Destroy returns an error, the visitor may not be who the application takes them
for. The analyzer reports such an error if it is thrown away in any way, also with _ =. If Set, Delete, Increment, Save and the like
return an error, something is not stored. The analyzer reports such an error if it is ignored silently; _ = is accepted as a decision.

It also reports an error of Start or FromContext that is assigned to _ although the session is used: if the store cannot be
reached, the session is nil.`,
	URL:      "https://pkg.go.dev/" + module + "/tools/sessionvet",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      runLostError,
}

// A loss is the consequence of throwing an error away.
type loss int

const (
	ofValue    loss = iota + 1 // something is not stored
	ofIdentity                 // somebody is still, or not yet, logged in
	ofSession                  // there is no session
)

var losses = map[string]loss{
	"Session.Login":               ofIdentity,
	"Session.Logout":              ofIdentity,
	"Session.Regenerate":          ofIdentity,
	"Session.RequireFresh":        ofIdentity,
	"Manager.Destroy":             ofIdentity,
	"Manager.DestroyAll":          ofIdentity,
	"Manager.DestroyByID":         ofIdentity,
	"Manager.DestroyExchange":     ofIdentity,
	"Manager.DestroyOf":           ofIdentity,
	"Manager.DestroyUser":         ofIdentity,
	"Manager.Regenerate":          ofIdentity,
	"Manager.RegenerateExchange":  ofIdentity,
	"Manager.SessionRegenerateID": ofIdentity,
	"Provider.SessionDestroy":     ofIdentity,
	"sessionfasthttp.Destroy":     ofIdentity,
	"sessionfasthttp.Regenerate":  ofIdentity,

	"Manager.FromContext":     ofSession,
	"Manager.GetSessionStore": ofSession,
	"Manager.SessionByID":     ofSession,
	"Manager.SessionStart":    ofSession,
	"Manager.Start":           ofSession,
	"Manager.StartExchange":   ofSession,
	"sessionfasthttp.Start":   ofSession,

	"Handled.Commit":                   ofValue,
	"Manager.ShiftExpiration":          ofValue,
	"Manager.ShiftExpirationExchange":  ofValue,
	"Manager.UpdateExpiration":         ofValue,
	"Manager.UpdateExpirationExchange": ofValue,
	"Session.AddFlash":                 ofValue,
	"Session.Clear":                    ofValue,
	"Session.Decrement":                ofValue,
	"Session.Delete":                   ofValue,
	"Session.Flashes":                  ofValue,
	"Session.Flush":                    ofValue,
	"Session.GetFlash":                 ofValue,
	"Session.GetFlashes":               ofValue,
	"Session.Increment":                ofValue,
	"Session.Pop":                      ofValue,
	"Session.Reload":                   ofValue,
	"Session.RememberMe":               ofValue,
	"Session.Save":                     ofValue,
	"Session.SendCookie":               ofValue,
	"Session.Set":                      ofValue,
	"Session.SetAbsoluteLifetime":      ofValue,
	"Session.SetFlash":                 ofValue,
	"Session.SetLabel":                 ofValue,
	"Session.SetLifetime":              ofValue,
	"Session.SetMulti":                 ofValue,
	"Session.Update":                   ofValue,
	"session.SaveAll":                  ofValue,
	"session.Update":                   ofValue,
	"sessionfasthttp.ShiftExpiration":  ofValue,
	"sessionfasthttp.UpdateExpiration": ofValue,
}

func runLostError(pass *analysis.Pass) (any, error) {
	nodes := []ast.Node{(*ast.ExprStmt)(nil), (*ast.DeferStmt)(nil), (*ast.GoStmt)(nil), (*ast.AssignStmt)(nil), (*ast.ValueSpec)(nil)}
	pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Preorder(nodes, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.ExprStmt:
			dropped(pass, n.X)
		case *ast.DeferStmt:
			dropped(pass, n.Call)
		case *ast.GoStmt:
			dropped(pass, n.Call)
		case *ast.AssignStmt:
			blank(pass, n.Lhs, n.Rhs)
		case *ast.ValueSpec:
			names := make([]ast.Expr, len(n.Names))
			for i, name := range n.Names {
				names[i] = name
			}
			blank(pass, names, n.Values)
		}
	})
	return nil, nil
}

// dropped checks an expression whose results are not used.
func dropped(pass *analysis.Pass, e ast.Expr) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return
	}
	switch name := calleeOf(pass.TypesInfo, call); losses[name] {
	case ofIdentity:
		reportIdentity(pass, call, name)
	case ofValue:
		if name == "Session.Save" {
			report(pass, call, "the error of Save is lost, and possibly the changes: handle it, or call SessionRelease, which reports it")
			return
		}
		report(pass, call, "the error of %s is lost: handle it, or write _ = if it does not matter", called(pass, call))
	}
}

// blank checks an assignment for errors that are assigned to _.
func blank(pass *analysis.Pass, to, from []ast.Expr) {
	for i, e := range from {
		call, ok := ast.Unparen(e).(*ast.CallExpr)
		if !ok {
			continue
		}
		results := to[i : i+1]
		if len(from) == 1 {
			results = to
		}
		if !isBlank(results[len(results)-1]) {
			continue
		}
		switch name := calleeOf(pass.TypesInfo, call); losses[name] {
		case ofIdentity:
			reportIdentity(pass, call, name)
		case ofSession:
			if !isBlank(results[0]) {
				report(pass, call, "the error of %s is lost: the session is then nil, and its next use panics; handle it, for example with 503", called(pass, call))
			}
		}
	}
}

func reportIdentity(pass *analysis.Pass, call *ast.CallExpr, name string) {
	report(pass, call, "the error of %s is lost: if it is not nil, %s; handle it", called(pass, call), consequence(name))
}

// consequence describes the state after a function of ofIdentity has returned an error.
func consequence(name string) string {
	switch name {
	case "Session.Login":
		return "nobody is logged in, or still somebody else"
	case "Session.RequireFresh":
		return "the login is too old for what follows"
	case "Session.Regenerate", "Manager.Regenerate", "Manager.RegenerateExchange", "Manager.SessionRegenerateID", "sessionfasthttp.Regenerate":
		return "the sid is still the one from before, which others may know"
	case "Session.Logout", "Manager.Destroy", "Manager.DestroyExchange", "sessionfasthttp.Destroy":
		return "the visitor may still be logged in"
	}
	return "sessions that should have ended may live on"
}

// called returns the name of the function in call.
func called(pass *analysis.Pass, call *ast.CallExpr) string {
	return typeutil.Callee(pass.TypesInfo, call).Name()
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}
