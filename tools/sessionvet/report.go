package main

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// silence is a comment that suppresses a diagnostic on its own line or on the next one.
const silence = "//sessionvet:ignore"

// report reports a diagnostic at n, unless n is in a test or a comment silences it. A test notices itself if something was
// not stored. An Example is documentation, so it must meet the same rules as an application.
func report(pass *analysis.Pass, n ast.Node, format string, args ...any) {
	file := fileOf(pass, n.Pos())
	if isTest(pass, file) && exampleAt(file, n.Pos()) == nil {
		return
	}
	line := pass.Fset.Position(n.Pos()).Line
	for _, group := range file.Comments {
		for _, c := range group.List {
			at := pass.Fset.Position(c.Pos()).Line
			if isSilence(c.Text) && (at == line || at == line-1) {
				return
			}
		}
	}
	pass.ReportRangef(n, format, args...)
}

func isSilence(comment string) bool {
	why, ok := strings.CutPrefix(comment, silence)
	return ok && (why == "" || why[0] == ' ')
}

func fileOf(pass *analysis.Pass, pos token.Pos) *ast.File {
	for _, f := range pass.Files {
		if f.FileStart <= pos && pos <= f.FileEnd {
			return f
		}
	}
	return new(ast.File)
}

func isTest(pass *analysis.Pass, file *ast.File) bool {
	return strings.HasSuffix(pass.Fset.Position(file.FileStart).Filename, "_test.go")
}

// exampleAt returns the Example around pos in a test file, or nil.
func exampleAt(file *ast.File, pos token.Pos) *ast.FuncDecl {
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Example") && f.Pos() <= pos && pos < f.End() {
			return f
		}
	}
	return nil
}
