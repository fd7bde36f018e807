package session_test

import (
	"go/ast"
	"go/token"
	"testing"
)

// TestExportedNamesAreDocumented looks at every package but the commands: each exported name, the methods and fields of
// exported types among them, has a comment of its own, or shares that of its group. Where an interface has one method,
// that of the interface says what it does.
func TestExportedNamesAreDocumented(t *testing.T) {
	n := 0
	goFiles(t, false, func(file string, f *ast.File) {
		if f.Name.Name == "main" {
			return
		}
		say := func(documented bool, name string) {
			if n++; !documented {
				t.Errorf("%s: %s has no comment", file, name)
			}
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					name = receiver(d.Recv.List[0].Type) + "." + name
				}
				if d.Name.IsExported() && ast.IsExported(name) {
					say(d.Doc != nil, name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					documentedSpec(say, spec, d.Doc != nil)
				}
			}
		}
	})
	if n < 500 {
		t.Errorf("looked at %d names alone", n)
	}
}

func documentedSpec(say func(documented bool, name string), spec ast.Spec, group bool) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			if name.IsExported() {
				say(group || spec.Doc != nil || spec.Comment != nil, name.Name)
			}
		}
	case *ast.TypeSpec:
		if !spec.Name.IsExported() {
			return
		}
		say(group || spec.Doc != nil, spec.Name.Name)
		switch typ := spec.Type.(type) {
		case *ast.StructType:
			documentedFields(say, spec.Name.Name, typ.Fields.List)
		case *ast.InterfaceType:
			if len(typ.Methods.List) > 1 {
				documentedFields(say, spec.Name.Name, typ.Methods.List)
			}
		}
	}
}

// documentedFields looks at fields, or methods. One directly beneath another shares its comment.
func documentedFields(say func(documented bool, name string), of string, list []*ast.Field) {
	documented, end := false, token.NoPos
	for _, field := range list {
		beneath := documented && field.Pos() <= end+token.Pos(len("\n\t"))
		documented = beneath || field.Doc != nil || field.Comment != nil
		end = field.End()
		if field.Comment != nil {
			end = field.Comment.End()
		}
		for _, name := range field.Names {
			if name.IsExported() {
				say(documented, of+"."+name.Name)
			}
		}
	}
}
