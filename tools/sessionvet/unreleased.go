package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/ctrlflow"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/cfg"
)

var unreleased = &analysis.Analyzer{
	Name: "unreleased",
	Doc: `find sessions that are opened and not released

SessionRelease, SessionReleaseIfPresent and Save store the changes that a handler makes in a session. The analyzer reports a session from
Start, SessionStart, Regenerate or GetSessionStore if a path leads to a return without any of them, or if all paths from a change
after them do. It reports a session from SessionByID only if it was changed and the function saves it nowhere. It does not
report a session that the function returns, stores elsewhere or passes on, because other code must release it.

Under Handler a request's session needs no release. The analyzer assumes this for a package that uses Handler, HandleExchange or
FromContext, and for a package that imports such a package. There it checks only sessions that belong to no request.`,
	URL:       "https://pkg.go.dev/" + module + "/tools/sessionvet",
	Requires:  []*analysis.Analyzer{inspect.Analyzer, ctrlflow.Analyzer},
	FactTypes: []analysis.Fact{new(passesHandler)},
	Run:       runUnreleased,
}

func runUnreleased(pass *analysis.Pass) (any, error) {
	cfgs := pass.ResultOf[ctrlflow.Analyzer].(*ctrlflow.CFGs)
	under := underHandler(pass)
	pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Preorder([]ast.Node{(*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)}, func(n ast.Node) {
		f := function{pass: pass}
		switch n := n.(type) {
		case *ast.FuncDecl:
			f.typ, f.body, f.graph = n.Type, n.Body, cfgs.FuncDecl(n)
		case *ast.FuncLit:
			f.typ, f.body, f.graph = n.Type, n.Body, cfgs.FuncLit(n)
		}
		if f.body != nil && f.graph != nil {
			f.check(under)
		}
	})
	return nil, nil
}

// passesHandler is the fact that a package passes requests through Handler. A package that imports it may be called from
// there.
type passesHandler struct{}

// AFact makes it an analysis.Fact.
func (*passesHandler) AFact() {}

func (*passesHandler) String() string { return "passes Handler" }

// underHandler returns a function that reports whether code at pos is assumed to run under Handler: because of the package,
// or because of the Example that contains it.
func underHandler(pass *analysis.Pass) func(pos token.Pos) bool {
	all := false
	examples := make(map[*ast.FuncDecl]bool)
	for id, obj := range pass.TypesInfo.Uses {
		f, ok := obj.(*types.Func)
		if !ok {
			continue
		}
		switch nameOf(f) {
		case "Manager.Handler", "Manager.HandleExchange", "Manager.FromContext", "sessionfasthttp.Handler":
			file := fileOf(pass, id.Pos())
			if !isTest(pass, file) {
				all = true
			} else if example := exampleAt(file, id.Pos()); example != nil {
				examples[example] = true
			}
		}
	}
	all = all && known[pass.Pkg.Path()] == "" || len(pass.AllPackageFacts()) > 0
	if all {
		pass.ExportPackageFact(new(passesHandler))
	}
	return func(pos token.Pos) bool { return all || examples[exampleAt(fileOf(pass, pos), pos)] }
}

// A function is one whose body is checked, without the function literals in it.
type function struct {
	pass  *analysis.Pass
	typ   *ast.FuncType
	body  *ast.BlockStmt
	graph *cfg.CFG
}

func (f *function) check(under func(pos token.Pos) bool) {
	ast.Inspect(f.body, func(n ast.Node) bool {
		var to, from []ast.Expr
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ExprStmt:
			from = []ast.Expr{n.X}
		case *ast.AssignStmt:
			to, from = n.Lhs, n.Rhs
		case *ast.ValueSpec:
			for _, name := range n.Names {
				to = append(to, name)
			}
			from = n.Values
		}
		if len(from) != 1 {
			return true
		}
		call, ok := ast.Unparen(from[0]).(*ast.CallExpr)
		if !ok {
			return true
		}
		what := openings[calleeOf(f.pass.TypesInfo, call)]
		if what == 0 || what == ofRequest && under(call.Pos()) {
			return true
		}
		if len(to) == 0 {
			report(f.pass, call, "the session of %s is thrown away: keep it, and call its SessionRelease", called(f.pass, call))
			return true
		}
		if s := f.follow(to, what); s != nil {
			s.report(n, call)
		}
		return true
	})
}

// follow returns what to check after a session was assigned, or nil if other code can see the session and release it.
func (f *function) follow(to []ast.Expr, what opening) *opened {
	info := f.pass.TypesInfo
	id, ok := to[0].(*ast.Ident)
	if !ok || isBlank(id) || len(to) != 2 {
		return nil // the caller ignores the session and only wants to know whether there is one
	}
	s := &opened{function: f, what: what, seen: make(map[step]*ast.ReturnStmt)}
	s.sess, _ = info.ObjectOf(id).(*types.Var)
	if id, ok := to[1].(*ast.Ident); ok {
		s.err, _ = info.ObjectOf(id).(*types.Var)
	}
	if s.sess == nil || !f.isLocal(s.sess) {
		return nil
	}
	for n := range ast.Preorder(f.body) {
		if lit, ok := n.(*ast.FuncLit); ok && s.isReleasedIn(lit) {
			return nil
		}
	}
	return s
}

// isLocal reports whether v is a local variable of f, not a result.
func (f *function) isLocal(v *types.Var) bool {
	if v.Pos() < f.typ.Pos() || v.Pos() >= f.body.End() {
		return false
	}
	results := f.typ.Results
	return results == nil || v.Pos() < results.Pos() || v.Pos() >= results.End()
}

// An opened session is in the variable sess after a statement, unless err, if it is set, says that there is none.
type opened struct {
	*function
	what opening
	sess *types.Var
	err  *types.Var
	seen map[step]*ast.ReturnStmt
}

// A step is a position on a path through the function, with the state there.
type step struct {
	block *cfg.Block
	knowledge
}

type knowledge struct {
	dirty   bool // there are changes to save
	isLate  bool // they were made after a save
	isOpen  bool // the session is certainly open: err says nothing more about it
	isMuddy bool // err was used in a way that is not understood, so later conditions may depend on it
}

// report reports the session if a path leads from n, which assigns it, to a return without a release.
func (s *opened) report(n ast.Node, call *ast.CallExpr) {
	ret := s.leak(n)
	if ret == nil {
		return
	}
	name := s.sess.Name()
	advice := "defer " + name + ".SessionRelease(ctx, w) once the error is checked, or use FromContext under Handler"
	switch s.what {
	case bySID:
		advice = "defer " + name + ".SessionRelease(ctx, nil) once the error is checked"
	case byID:
		advice = "call " + name + ".Save"
	}
	switch elsewhere := s.isReleasedElsewhere(n); {
	case !elsewhere:
		report(s.pass, call, "the session %s is never released, so its changes are lost: %s", name, advice)
	case s.what != byID: // otherwise the change has usually failed on this path
		line := s.pass.Fset.Position(ret.Pos()).Line
		report(s.pass, call, "the session %s is not released on every path, line %d returns without it: %s", name, line, advice)
	}
}

// leak returns a return that can be reached from n without a release, or nil.
func (s *opened) leak(n ast.Node) *ast.ReturnStmt {
	for _, b := range s.graph.Blocks {
		if i := slices.Index(b.Nodes, n); i >= 0 {
			return s.from(b, i+1, knowledge{dirty: s.what != byID})
		}
	}
	return nil
}

// isReleasedElsewhere reports whether a statement other than n, which assigns the session, may release it.
func (s *opened) isReleasedElsewhere(n ast.Node) bool {
	for _, b := range s.graph.Blocks {
		for _, other := range b.Nodes {
			if uses := s.usesIn(other); other != n && (slices.Contains(uses, useSaves) || slices.Contains(uses, useSettles)) {
				return true
			}
		}
	}
	return false
}

// from returns a return that can be reached from the i-th node of b without a release, or nil.
func (s *opened) from(b *cfg.Block, i int, k knowledge) *ast.ReturnStmt {
	at := step{b, k}
	if i == 0 {
		if ret, ok := s.seen[at]; ok {
			return ret
		}
		s.seen[at] = nil // ends the search in a loop
	}
	ret := s.leave(b, i, k)
	if i == 0 {
		s.seen[at] = ret
	}
	return ret
}

func (s *opened) leave(b *cfg.Block, i int, k knowledge) *ast.ReturnStmt {
	cond := s.condition(b)
	for _, n := range b.Nodes[i:] {
		for _, use := range s.usesIn(n) {
			switch use {
			case useChanges:
				k.isLate = k.isLate || !k.dirty && s.what != byID
				k.dirty = true
			case useSaves:
				k.dirty, k.isLate = false, false
			case useSettles, useReplaces:
				return nil
			case useReadsError:
				k.isMuddy = k.isMuddy || !k.isOpen && n != cond
			case useSetsError:
				k.isOpen = k.isOpen || !k.isMuddy
			}
		}
	}
	if ret := b.Return(); ret != nil {
		if k.dirty {
			return ret
		}
		return nil
	}
	return s.branch(b.Succs, cond, k)
}

// branch continues with the blocks that can follow. If it is unclear in which of them the session is open, all of them must
// lead to a return without a release. The same holds for a change after a save, because if the change has failed there is
// nothing to save.
func (s *opened) branch(next []*cfg.Block, cond ast.Expr, k knowledge) *ast.ReturnStmt {
	ways := []verdict{open, open}
	if cond != nil && !k.isOpen {
		yes, no := s.judge(cond, k)
		ways = []verdict{yes, no}
	}
	var first *ast.ReturnStmt
	all := true
	unclearly := k.isLate || k.isMuddy && !k.isOpen
	for i, b := range next {
		k := k
		switch ways[i] {
		case failed:
			continue
		case certain:
			k.isOpen = true
		case unclear:
			k.isMuddy, unclearly = true, true
		}
		ret := s.from(b, 0, k)
		all = all && ret != nil
		if first == nil {
			first = ret
		}
	}
	if unclearly && !all {
		return nil
	}
	return first
}
