package main

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/cfg"
)

// condition returns the condition that decides which block follows b.
func (s *opened) condition(b *cfg.Block) ast.Expr {
	if len(b.Succs) != 2 || len(b.Nodes) == 0 {
		return nil
	}
	e, ok := b.Nodes[len(b.Nodes)-1].(ast.Expr)
	if !ok {
		return nil
	}
	if t := s.pass.TypesInfo.TypeOf(e); t == nil || !types.ConvertibleTo(t, types.Typ[types.Bool]) {
		return nil
	}
	return e
}

// A verdict says what a condition means for the session.
type verdict int

const (
	open    verdict = iota // it may be open, as before
	certain                // it is certainly open
	failed                 // there is no session
	unclear
)

// judge returns what it means for the session if e is true, and if e is false.
func (s *opened) judge(e ast.Expr, k knowledge) (yes, no verdict) {
	switch e := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			no, yes = s.judge(e.X, k)
			return yes, no
		}
	case *ast.BinaryExpr:
		switch e.Op {
		case token.LAND, token.LOR:
			xYes, xNo := s.judge(e.X, k)
			yYes, yNo := s.judge(e.Y, k)
			if e.Op == token.LAND {
				return both(xYes, yYes), either(xNo, yNo)
			}
			return either(xYes, yYes), both(xNo, yNo)
		case token.EQL:
			return s.equal(e, k)
		case token.NEQ:
			no, yes = s.equal(e, k)
			return yes, no
		}
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && !k.isMuddy && len(e.Args) > 0 && s.is(e.Args[0], s.err) {
			if f, ok := s.pass.TypesInfo.Uses[f.Sel].(*types.Func); ok && f.Pkg() != nil && f.Pkg().Path() == "errors" {
				return failed, open // Is and As are only true for an error
			}
		}
	}
	for n := range ast.Preorder(e) {
		if id, ok := n.(*ast.Ident); ok && s.is(id, s.err) {
			return unclear, unclear
		}
	}
	return open, open
}

// equal is judge for x == y.
func (s *opened) equal(e *ast.BinaryExpr, k knowledge) (yes, no verdict) {
	x, y := ast.Unparen(e.X), ast.Unparen(e.Y)
	if s.is(y, s.err) || s.is(y, s.sess) {
		x, y = y, x
	}
	isNil := s.pass.TypesInfo.Types[y].IsNil()
	switch {
	case s.is(x, s.sess) && isNil:
		return failed, certain
	case s.is(x, s.err) && k.isMuddy:
		return unclear, unclear
	case s.is(x, s.err) && isNil:
		return certain, failed
	case s.is(x, s.err):
		return failed, open
	}
	return open, open
}

func (s *opened) is(e ast.Expr, v *types.Var) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && v != nil && s.pass.TypesInfo.ObjectOf(id) == v
}

// both combines two verdicts that both hold.
func both(a, b verdict) verdict {
	for _, v := range []verdict{failed, certain, unclear} {
		if a == v || b == v {
			return v
		}
	}
	return open
}

// either combines two verdicts of which at least one holds.
func either(a, b verdict) verdict {
	switch {
	case a == b:
		return a
	case a == unclear || b == unclear:
		return unclear
	}
	return open
}
