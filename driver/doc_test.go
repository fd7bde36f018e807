package driver_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// The package's comment says of each optional interface what happens without it.
func TestOptionalInterfacesAreExplained(t *testing.T) {
	fset := token.NewFileSet()
	doc, err := parser.ParseFile(fset, "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	optional, err := parser.ParseFile(fset, "optional.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(doc.Doc.Text()) {
		if strings.HasPrefix(line, "  - ") {
			list = append(list, line)
		}
	}
	items, n := strings.Join(list, ""), 0
	ast.Inspect(optional, func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if n++; !strings.Contains(items, "["+spec.Name.Name+"]") {
			t.Errorf("doc.go's list does not have [%s]", spec.Name.Name)
		}
		return false
	})
	if n < 10 {
		t.Errorf("found %d optional interfaces alone", n)
	}
}
