package session_test

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	peersPage = "docs/peers.md"
	// peersTable runs the calls that the page names on memory and on redis.
	peersTable = "redis/peers_test.go"
)

// needStore is what works on a store, so that peersTable must call it.
var needStore = []string{"Manager", "Session", "sessionfasthttp"}

// TestPeersPage checks what docs/peers.md says is ours: each name is exported, a test uses it, and what works on a
// store is called on memory and on redis. A comparison that nothing runs would be a promise.
func TestPeersPage(t *testing.T) {
	names := readPeers(t)
	exported, used, called := exportedNames(t), usedNames(t), calledNames(t, peersTable)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		where := fmt.Sprintf("%s:%d: %s", peersPage, names[name], name)
		parts := strings.Split(name, ".")
		last := parts[len(parts)-1]
		switch {
		case !exported[name]:
			t.Errorf("%s is not exported", where)
		case !used[last] || !ast.IsExported(parts[0]) && !used[strings.Join(parts[:2], ".")]:
			t.Errorf("%s is in no test", where)
		case len(parts) == 2 && slices.Contains(needStore, parts[0]) && !called[last]:
			t.Errorf("%s is not called in %s", where, peersTable)
		}
	}
	if len(names) < 100 {
		t.Errorf("only %d names", len(names))
	}
}

var (
	peerName  = regexp.MustCompile("`([^`]*)`")
	validName = regexp.MustCompile(`^([a-z]+\.)?[A-Z]\w*(\.[A-Z]\w*)?$`)
)

// readPeers returns the names in the second column of the page's tables, and a line where each stands. A row has
// names there, or "no" and the reason in the third column.
func readPeers(t *testing.T) map[string]int {
	t.Helper()
	f, err := os.Open(peersPage)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names := make(map[string]int)
	inTable := false
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		cells := strings.Split(lines.Text(), "|")
		switch {
		case len(cells) == 1:
			inTable = false
			continue
		case len(cells) != 5:
			t.Errorf("%s:%d: a row of %d columns", peersPage, n, len(cells)-2)
			continue
		case strings.TrimSpace(cells[2]) == "ours":
			inTable = true
			continue
		case !inTable || strings.Trim(cells[2], " -") == "":
			continue
		}
		ours, note := strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
		found := peerName.FindAllStringSubmatch(ours, -1)
		switch rest := peerName.ReplaceAllString(ours, ""); {
		case ours == "no" && note == "":
			t.Errorf("%s:%d: no, without a reason", peersPage, n)
		case ours != "no" && (len(found) == 0 || strings.Trim(rest, ", ") != ""):
			t.Errorf(`%s:%d: want "no" or names in the second column: %q`, peersPage, n, ours)
		}
		for _, m := range found {
			if !validName.MatchString(m[1]) {
				t.Errorf("%s:%d: %q is no name", peersPage, n, m[1])
			}
			names[m[1]] = n
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// goFiles calls visit with each test of the repository, or with each other Go file.
func goFiles(t *testing.T, tests bool, visit func(name string, f *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		base := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (base[0] == '.' || base == "testdata" || base == "bin"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") != tests:
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err == nil {
			visit(filepath.ToSlash(name), f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// exportedNames are Name and Type.Member of the root package, and package.Name and package.Type.Member of the others.
func exportedNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	goFiles(t, false, func(file string, f *ast.File) {
		if f.Name.Name == "main" || strings.Contains("/"+file, "/internal/") {
			return
		}
		prefix := ""
		if dir := path.Dir(file); dir != "." {
			prefix = f.Name.Name + "."
		}
		add := func(parts ...string) {
			for _, p := range parts {
				if !ast.IsExported(p) {
					return
				}
			}
			names[prefix+strings.Join(parts, ".")] = true
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					add(d.Name.Name)
				} else if on := receiver(d.Recv.List[0].Type); on != "" {
					add(on, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.ValueSpec:
						for _, name := range s.Names {
							add(name.Name)
						}
					case *ast.TypeSpec:
						add(s.Name.Name)
						for _, member := range members(s.Type) {
							add(s.Name.Name, member)
						}
					}
				}
			}
		}
	})
	return names
}

func receiver(x ast.Expr) string {
	if star, ok := x.(*ast.StarExpr); ok {
		x = star.X
	}
	if id, ok := x.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// members are the fields of a struct and the methods of an interface.
func members(x ast.Expr) (names []string) {
	var list *ast.FieldList
	switch x := x.(type) {
	case *ast.StructType:
		list = x.Fields
	case *ast.InterfaceType:
		list = x.Methods
	default:
		return nil
	}
	for _, field := range list.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// usedNames are the identifiers in the repository's tests, x.Name where they select it of an x, and p.Name in tests
// that belong to package p.
func usedNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	goFiles(t, true, func(file string, f *ast.File) {
		if file == "peers_test.go" {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				names[n.Name], names[f.Name.Name+"."+n.Name] = true, true
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok {
					names[x.Name+"."+n.Sel.Name] = true
				}
			}
			return true
		})
	})
	return names
}

// calledNames are what a file selects: Name of x.Name.
func calledNames(t *testing.T, file string) map[string]bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			names[sel.Sel.Name] = true
		}
		return true
	})
	return names
}
