package sessionbeego_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	osexec "os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	theirSession = "github.com/beego/beego/v2/server/web/session"
	ourSession   = "github.com/seed1a8f7c28/session"
)

// counterparts are beego's packages, and where their names are here.
var counterparts = map[string]string{
	"": "", "/redis": "/redis", "/redis_cluster": "/redis_cluster", "/redis_sentinel": "/redis_sentinel",
	"/memcache": "/memcache", "/mysql": "/mysql", "/postgres": "/postgres",
}

// TestNames looks for each exported name of beego's session packages: it exists here, a function with the same parameters and
// results, or docs/beego.md lists it as missing, and nothing else.
func TestNames(t *testing.T) {
	l := newLinker(t)
	missing := make(map[string]bool)
	n := 0
	for theirs, ours := range counterparts {
		their, our := l.load(t, theirSession+theirs), l.load(t, ourSession+ours)
		for _, name := range their.Scope().Names() {
			object := their.Scope().Lookup(name)
			if !object.Exported() {
				continue
			}
			n++
			full := path.Base(their.Path()) + "." + name
			found := our.Scope().Lookup(name)
			if found == nil {
				missing[full] = true
				continue
			}
			n += compare(t, full, object, found)
		}
	}
	if n < 150 {
		t.Errorf("looked at %d names alone", n)
	}
	if want, got := slices.Sorted(maps.Keys(missing)), missingInDocs(t); !slices.Equal(want, got) {
		t.Errorf("missing\n%s\nbut docs/beego.md lists\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

// compare checks that ours can be used as theirs, with all methods and fields, and returns how many those are.
func compare(t *testing.T, name string, theirs, ours types.Object) (n int) {
	t.Helper()
	if _, isType := theirs.(*types.TypeName); !isType {
		_, isFunc := theirs.(*types.Func)
		if a, b := shape(theirs.Type()), shape(ours.Type()); isFunc && a != b {
			t.Errorf("%s is %s, beego's %s", name, b, a)
		}
		if a, b := fmt.Sprintf("%T", theirs), fmt.Sprintf("%T", ours); a != b {
			t.Errorf("%s is a %s, beego's a %s", name, b, a)
		}
		return 0
	}
	from := theirs.Type()
	if !types.IsInterface(from) {
		from = types.NewPointer(from)
	}
	for method := range types.NewMethodSet(from).Methods() {
		m := method.Obj()
		if !m.Exported() {
			continue
		}
		n++
		found, _, _ := types.LookupFieldOrMethod(ours.Type(), true, nil, m.Name())
		if found == nil {
			t.Errorf("%s has no %s", name, m.Name())
		} else if a, b := shape(m.Type()), shape(found.Type()); a != b {
			t.Errorf("%s.%s is %s, beego's %s", name, m.Name(), b, a)
		}
	}
	if s, ok := theirs.Type().Underlying().(*types.Struct); ok {
		for field := range s.Fields() {
			if !field.Exported() {
				continue
			}
			n++
			found, _, _ := types.LookupFieldOrMethod(ours.Type(), true, nil, field.Name())
			if found == nil {
				t.Errorf("%s has no %s", name, field.Name())
			} else if a, b := shape(field.Type()), shape(found.Type()); a != b {
				t.Errorf("%s.%s is %s, beego's %s", name, field.Name(), b, a)
			}
		}
	}
	return n
}

// shape is a type as text, in which beego's packages and ours are one, and parameters have no names.
func shape(typ types.Type) string {
	if sig, ok := typ.(*types.Signature); ok {
		return fmt.Sprint(anonymous(sig.Params()), anonymous(sig.Results()), sig.Variadic())
	}
	text := types.TypeString(typ, func(p *types.Package) string {
		return strings.TrimPrefix(strings.TrimPrefix(p.Path(), theirSession), ourSession)
	})
	return strings.ReplaceAll(text, "interface{}", "any")
}

func anonymous(list *types.Tuple) []string {
	var all []string
	for v := range list.Variables() {
		all = append(all, shape(v.Type()))
	}
	return all
}

var quoted = regexp.MustCompile("`([^`]*)`")

// missingInDocs returns the sorted names in the first column of the table of what is missing.
func missingInDocs(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/beego.md")
	must(t, err)
	_, rest, _ := strings.Cut(string(page), "\n## Missing\n")
	section, _, _ := strings.Cut(rest, "\n## ")
	var names []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
				names = append(names, m[1])
			}
		}
	}
	slices.Sort(names)
	return names
}

// A linker reads packages that the go command has compiled.
type linker struct {
	types.Importer
	dirs map[string]string
}

func newLinker(t *testing.T) *linker {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export,Dir"}
	for theirs, ours := range counterparts {
		args = append(args, theirSession+theirs, ourSession+ours)
	}
	cmd := osexec.CommandContext(t.Context(), "go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	must(t, err)
	files, dirs := make(map[string]string), make(map[string]string)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ ImportPath, Export, Dir string }
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		files[p.ImportPath], dirs[p.ImportPath] = p.Export, p.Dir
	}
	return &linker{importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(files[path]) // an error for what no counterpart depends on
	}), dirs}
}

func (l *linker) load(t *testing.T, path string) *types.Package {
	t.Helper()
	p, err := l.Import(path)
	must(t, err)
	return p
}

// TestTheirProviders type-checks what docs/beego.md says of a provider that was written for beego, with two of beego's own: it
// cannot be registered as it is, but a copy with the import changed can. Their clients, which are not at hand, pass for anything.
func TestTheirProviders(t *testing.T) {
	l := newLinker(t)
	for _, name := range []string{"couchbase", "ssdb"} {
		files, err := filepath.Glob(filepath.Join(l.dirs[theirSession], name, "*.go"))
		must(t, err)
		var source []byte
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				source, err = os.ReadFile(file)
				must(t, err)
			}
		}
		const register = `package theirs; import ours "` + ourSession + `"; func init() { ours.Register("theirs", &Provider{}) }`
		for _, tt := range []struct {
			what, source string
			compiles     bool
		}{
			{"as it is", string(source), false},
			{"with our import", strings.ReplaceAll(string(source), theirSession, ourSession), true},
		} {
			if err := l.check(t, tt.source, strings.ReplaceAll(register, "theirs;", name+";")); (err == nil) != tt.compiles {
				t.Errorf("%s %s: %v", name, tt.what, err)
			} else if !tt.compiles && !strings.Contains(err.Error(), "does not implement") {
				t.Errorf("%s %s does not compile for another reason: %v", name, tt.what, err)
			}
		}
	}
}

// check type-checks a package of some files, and returns the last error that is not about an import.
func (l *linker) check(t *testing.T, sources ...string) (last error) {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for i, source := range sources {
		f, err := parser.ParseFile(fset, fmt.Sprintf("%d.go", i), source, 0)
		must(t, err)
		files = append(files, f)
	}
	conf := types.Config{Importer: l, Error: func(err error) {
		if !strings.Contains(err.Error(), "could not import") {
			last = err
		}
	}}
	_, _ = conf.Check(files[0].Name.Name, fset, files, nil)
	return last
}
