package main

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

var afterHandler = &analysis.Analyzer{
	Name: "afterhandler",
	Doc: `find sessions that a goroutine uses after their request may have ended

When a handler returns, its session is saved. Later changes by a goroutine are not stored, and no cookie can be sent any more. The
analyzer reports a go statement if its goroutine uses a session that the function has opened with Start or FromContext, or releases, and
nothing shows that the function waits. A Wait, a receive from a channel or an endless loop after the statement shows it, and so does a
WaitGroup or channel with which the goroutine signals that it is done. The analyzer does not report a goroutine that calls Save
or SessionRelease itself, or that uses only the result of a method, such as Done.`,
	URL:      "https://pkg.go.dev/" + module + "/tools/sessionvet",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      runAfterHandler,
}

func runAfterHandler(pass *analysis.Pass) (any, error) {
	nodes := []ast.Node{(*ast.GoStmt)(nil)}
	pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).WithStack(nodes, func(n ast.Node, push bool, stack []ast.Node) bool {
		if push {
			g := &goroutine{pass, n.(*ast.GoStmt)}
			for _, v := range g.sessions() {
				g.check(v, stack)
			}
		}
		return true
	})
	return nil, nil
}

// A goroutine is one that a function starts.
type goroutine struct {
	pass *analysis.Pass
	stmt *ast.GoStmt
}

// sessions returns the variables of sessions that the goroutine uses, in the order of use.
func (g *goroutine) sessions() []*types.Var {
	var all []*types.Var
	seen := make(map[*types.Var]bool)
	ast.PreorderStack(g.stmt.Call, nil, func(n ast.Node, stack []ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		v, ok := g.pass.TypesInfo.Uses[id].(*types.Var)
		if !ok || !isSession(v.Type()) || seen[v] {
			return true
		}
		if call := methodCall(stack); call != nil && (call != g.stmt.Call && !inFunction(stack) || calleeOf(g.pass.TypesInfo, call) == "Session.Done") {
			return true // called before the goroutine starts
		}
		seen[v] = true
		all = append(all, v)
		return true
	})
	return all
}

// methodCall returns the method call on the expression at the end of stack, or nil.
func methodCall(stack []ast.Node) *ast.CallExpr {
	parent, above := up(stack)
	selector, ok := parent.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	if call, ok := last(above).(*ast.CallExpr); ok && call.Fun == selector {
		return call
	}
	return nil
}

func inFunction(stack []ast.Node) bool {
	for _, n := range stack {
		if _, ok := n.(*ast.FuncLit); ok {
			return true
		}
	}
	return false
}

// check reports the goroutine if v is a request's session and nobody waits for the goroutine.
func (g *goroutine) check(v *types.Var, stack []ast.Node) {
	owner := ownerOf(v, stack)
	if owner == nil || !g.isOfRequest(v, owner) || g.isAwaited(owner) || g.isSignalled() || g.saves(v) {
		return
	}
	name := v.Name()
	report(g.pass, g.stmt, "a goroutine uses the session %s and can outlive the handler, so its changes can be lost: "+
		"pass it the values that it needs of %s, such as %[2]s.User(), or wait for it, or let it open the session with SessionByID and %[2]s.ID()", name, name)
}

// ownerOf returns the body of the innermost function in stack that declares v.
func ownerOf(v *types.Var, stack []ast.Node) *ast.BlockStmt {
	for i := len(stack) - 1; i >= 0; i-- {
		var body *ast.BlockStmt
		switch n := stack[i].(type) {
		case *ast.FuncLit:
			body = n.Body
		case *ast.FuncDecl:
			body = n.Body
		default:
			continue
		}
		if stack[i].Pos() <= v.Pos() && v.Pos() < body.End() {
			return body
		}
	}
	return nil
}

// besides walks through the code of owner outside the goroutine. It skips other goroutines.
func (g *goroutine) besides(owner *ast.BlockStmt, visit func(n ast.Node, stack []ast.Node)) {
	ast.PreorderStack(owner, nil, func(n ast.Node, stack []ast.Node) bool {
		if _, ok := n.(*ast.GoStmt); ok {
			return false
		}
		visit(n, stack)
		return true
	})
}

// isOfRequest reports whether owner gets the session in v from a request, or releases it.
func (g *goroutine) isOfRequest(v *types.Var, owner *ast.BlockStmt) bool {
	is := false
	g.besides(owner, func(n ast.Node, stack []ast.Node) {
		id, ok := n.(*ast.Ident)
		if !ok || g.pass.TypesInfo.ObjectOf(id) != v {
			return
		}
		switch parent := last(stack).(type) {
		case *ast.AssignStmt:
			is = is || len(parent.Rhs) == 1 && g.opensRequest(parent.Rhs[0])
		case *ast.ValueSpec:
			is = is || len(parent.Values) == 1 && g.opensRequest(parent.Values[0])
		case *ast.SelectorExpr:
			is = is || releases[parent.Sel.Name]
		}
	})
	return is
}

var releases = map[string]bool{"SessionRelease": true, "SessionReleaseIfPresent": true}

func (g *goroutine) opensRequest(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	name := calleeOf(g.pass.TypesInfo, call)
	return name == "Manager.FromContext" || openings[name] == ofRequest
}

// isAwaited reports whether owner waits for anything, not necessarily this goroutine.
func (g *goroutine) isAwaited(owner *ast.BlockStmt) bool {
	is := false
	g.besides(owner, func(n ast.Node, _ []ast.Node) {
		switch n := n.(type) {
		case *ast.UnaryExpr:
			is = is || n.Op == token.ARROW
		case *ast.RangeStmt:
			_, ok := g.pass.TypesInfo.TypeOf(n.X).Underlying().(*types.Chan)
			is = is || ok
		case *ast.ForStmt:
			is = is || n.Cond == nil && n.End() > g.stmt.End()
		case *ast.SelectorExpr:
			is = is || n.Sel.Name == "Wait"
		}
	})
	return is
}

// isSignalled reports whether the goroutine signals that it is done.
func (g *goroutine) isSignalled() bool {
	for n := range ast.Preorder(g.stmt.Call) {
		switch n := n.(type) {
		case *ast.SendStmt:
			return true
		case *ast.CallExpr:
			switch f := typeutil.Callee(g.pass.TypesInfo, n).(type) {
			case *types.Builtin:
				if f.Name() == "close" {
					return true
				}
			case *types.Func:
				if f.FullName() == "(*sync.WaitGroup).Done" {
					return true
				}
			}
		}
	}
	return false
}

// saves reports whether the goroutine saves the session in v, itself or through a function of this package.
func (g *goroutine) saves(v *types.Var) bool {
	return savesIn(g.pass, g.stmt.Call, v, nil)
}

// savesIn reports whether n saves the session in v. It skips the functions in path, which are being checked already.
func savesIn(pass *analysis.Pass, n ast.Node, v *types.Var, path []*ast.FuncDecl) bool {
	for n := range ast.Preorder(n) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			continue
		}
		if f, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && isVar(pass, f.X, v) && effects[calleeOf(pass.TypesInfo, call)] == saves {
			return true
		}
		for i, arg := range call.Args {
			if isVar(pass, arg, v) && (calleeOf(pass.TypesInfo, call) == "session.SaveAll" || argumentIsSaved(pass, call, i, path)) {
				return true
			}
		}
	}
	return false
}

func isVar(pass *analysis.Pass, e ast.Expr, v *types.Var) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && pass.TypesInfo.Uses[id] == v
}

// argumentIsSaved reports whether the function of this package in call saves its i-th argument.
func argumentIsSaved(pass *analysis.Pass, call *ast.CallExpr, i int, path []*ast.FuncDecl) bool {
	if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
		param := paramOf(pass.TypesInfo.TypeOf(lit), i)
		return param != nil && savesIn(pass, lit.Body, param, path)
	}
	f, ok := typeutil.Callee(pass.TypesInfo, call).(*types.Func)
	if !ok || f.Pkg() != pass.Pkg {
		return false
	}
	param := paramOf(f.Type(), i)
	for _, decl := range fileOf(pass, f.Pos()).Decls {
		if decl, ok := decl.(*ast.FuncDecl); ok && param != nil && pass.TypesInfo.Defs[decl.Name] == f && decl.Body != nil {
			for _, outer := range path {
				if outer == decl {
					return false
				}
			}
			return savesIn(pass, decl.Body, param, append(path, decl))
		}
	}
	return false
}

func paramOf(t types.Type, i int) *types.Var {
	signature, ok := t.(*types.Signature)
	if !ok || i >= signature.Params().Len() {
		return nil
	}
	return signature.Params().At(i)
}
