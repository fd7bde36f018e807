package main

import (
	"go/ast"
	"go/token"
)

// A use is what a statement does with an opened session or with its error.
type use int

const (
	useLooks use = iota
	useChanges
	useSaves
	useSettles  // it is released, has ended, or is passed to other code
	useReplaces // another session replaces it in the variable
	useReadsError
	useSetsError
)

// usesIn returns the uses in n in their order. It ignores function literals in n, because they may run later.
func (s *opened) usesIn(n ast.Node) []use {
	if assign, ok := n.(*ast.AssignStmt); ok {
		var all []use
		for _, e := range assign.Rhs {
			all = append(all, s.collect(e, []ast.Node{assign})...)
		}
		for _, e := range assign.Lhs {
			switch {
			case s.is(e, s.sess):
				all = append(all, useReplaces)
			case s.is(e, s.err):
				all = append(all, useSetsError)
			default:
				all = append(all, s.collect(e, []ast.Node{assign})...)
			}
		}
		return all
	}
	return s.collect(n, nil)
}

func (s *opened) collect(n ast.Node, stack []ast.Node) []use {
	var all []use
	ast.PreorderStack(n, stack, func(n ast.Node, stack []ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			for n := range ast.Preorder(n.Body) {
				if id, ok := n.(*ast.Ident); ok && s.is(id, s.err) {
					all = append(all, useReadsError)
				}
			}
			return false
		case *ast.CallExpr:
			if replacing[calleeOf(s.pass.TypesInfo, n)] {
				all = append(all, useSettles)
			}
		case *ast.Ident:
			if s.is(n, s.err) {
				all = append(all, useReadsError)
			} else if s.is(n, s.sess) {
				all = append(all, s.useOf(n, stack))
			}
		}
		return true
	})
	return all
}

// isReleasedIn reports whether the function literal may release the session, whenever it runs.
func (s *opened) isReleasedIn(lit *ast.FuncLit) bool {
	is := false
	ast.PreorderStack(lit, nil, func(n ast.Node, stack []ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && s.is(id, s.sess) && s.pass.TypesInfo.Defs[id] == nil {
			u := s.useOf(id, stack)
			is = is || u == useSaves || u == useSettles
		}
		return true
	})
	return is
}

// useOf returns the use of the session at id, given the nodes above it.
func (s *opened) useOf(id *ast.Ident, stack []ast.Node) use {
	parent, above := up(stack)
	switch p := parent.(type) {
	case *ast.SelectorExpr:
		call, ok := last(above).(*ast.CallExpr)
		if !ok || call.Fun != p {
			return useSettles // a method value
		}
		return s.useBy(call, above[:len(above)-1])
	case *ast.CallExpr:
		name := calleeOf(s.pass.TypesInfo, p)
		if name == "session.Get" || name == "session.Update" || name == "session.SaveAll" {
			return s.useBy(p, above)
		}
	case *ast.BinaryExpr:
		if p.Op == token.EQL || p.Op == token.NEQ {
			return useLooks
		}
	case *ast.AssignStmt:
		for _, e := range p.Lhs {
			if !isBlank(e) {
				return useSettles
			}
		}
		return useLooks // _ = sess
	case *ast.ValueSpec:
		if s.pass.TypesInfo.Defs[id] != nil {
			return useLooks
		}
	}
	return useSettles
}

// useBy returns the use of the session by a call of its method, or by a call with the session as an argument.
func (s *opened) useBy(call *ast.CallExpr, above []ast.Node) use {
	switch effects[calleeOf(s.pass.TypesInfo, call)] {
	case changes:
		return useChanges
	case ends:
		return useSettles
	case saves:
		switch last(above).(type) {
		case *ast.DeferStmt, *ast.GoStmt:
			return useSettles
		}
		return useSaves
	}
	return useLooks
}

// up returns the innermost node of stack that is not a parenthesis, and the nodes above it.
func up(stack []ast.Node) (parent ast.Node, above []ast.Node) {
	for i := len(stack) - 1; i >= 0; i-- {
		if _, ok := stack[i].(*ast.ParenExpr); !ok {
			return stack[i], stack[:i]
		}
	}
	return nil, nil
}

func last(stack []ast.Node) ast.Node {
	if len(stack) == 0 {
		return nil
	}
	return stack[len(stack)-1]
}
