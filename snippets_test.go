package session_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// documents are the Markdown files that show code to users.
func documents(t *testing.T) []string {
	t.Helper()
	names := []string{"README.md"}
	for _, pattern := range []string{"docs/*.md", "docs/providers/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			names = append(names, filepath.ToSlash(name))
		}
	}
	if len(names) < 10 {
		t.Fatalf("found %q alone", names)
	}
	return names
}

// A snippet is a block of code in a document, and the line in which it begins.
type snippet struct {
	file string
	line int
	code string
}

// snippets returns the blocks of a language in a document.
func snippets(t *testing.T, file, language string) (list []snippet) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var block *snippet // in which the line is; nil outside
	of := ""           // its language
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(lines.Text()), "```")
		switch {
		case isFence && block == nil:
			block, of = &snippet{file: file, line: n + 1}, fence
		case isFence:
			if of == language {
				list = append(list, *block)
			}
			block = nil
		case block != nil:
			block.code += lines.Text() + "\n"
		}
	}
	if err := lines.Err(); err != nil || block != nil {
		t.Fatalf("%s: a block of code does not end: %v", file, err)
	}
	return list
}

// snippetPackages are the packages that a snippet may use without importing them, by the names that they have there.
var snippetPackages = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "log": "log", "os": "os", "slog": "log/slog",
	"time": "time", "tls": "crypto/tls",

	"session": module, "sessionfasthttp": module + "/sessionfasthttp", "sessionmemcache": module + "/memcache",
	"sessionsql": module + "/sql", "mysql": module + "/mysql", "postgres": module + "/postgres", "redis": module + "/redis",

	"chi": "github.com/go-chi/chi/v5", "echo": "github.com/labstack/echo/v4", "fasthttp": "github.com/valyala/fasthttp",
	"fiber": "github.com/gofiber/fiber/v3", "gin": "github.com/gin-gonic/gin", "memcache": "github.com/bradfitz/gomemcache/memcache",
	"pgx": module + "/contrib/pgx", "pgxpool": "github.com/jackc/pgx/v5/pgxpool",
	"nats": module + "/contrib/nats", "natsgo": "github.com/nats-io/nats.go",
	"couchbase": module + "/contrib/couchbase", "gocb": "github.com/couchbase/gocb/v2",
}

const module = "github.com/seed1a8f7c28/session"

// snippetNames are what a snippet takes for granted: variables that the reader's application has. A document that needs another
// one declares it, or it is added here.
var snippetNames = map[string]string{
	"sessions": "*session.Manager",
	"sess":     "*session.Session",
	"cfg":      "*session.ManagerConfig",
	"w":        "http.ResponseWriter",
	"r":        "*http.Request",
	"ctx":      "*fasthttp.RequestCtx", // which is a context.Context, too
	"mux":      "*http.ServeMux",
	"c":        "framework.Context", // of whatever the page is about
	"db":       "*sql.DB",
	"client":   "goredis.UniversalClient",
	"addr":     "string",
	"dsn":      "string",
	"user":     "string",
	"events":   "chan int",
	"login":    "func(http.ResponseWriter, *http.Request)",
	"logout":   "func(http.ResponseWriter, *http.Request)",
	"count":    "func(http.ResponseWriter, *http.Request)",
	"audit":    "func(id, user string, reason session.Reason)",
}

const snippetNamesHeader = `package snippet
import (
	"database/sql"
	"net/http"

	framework "example.com/framework"
	goredis "github.com/redis/go-redis/v9"
	"github.com/seed1a8f7c28/session"
	"github.com/valyala/fasthttp"
)
var (_ *session.Session; _ http.Handler; _ *fasthttp.RequestCtx; _ framework.Context; _ *sql.DB; _ goredis.UniversalClient)
`

// TestSnippets has the type checker read each block of Go code in the documents. A block is a program, or declarations, or
// statements, maybe behind imports; "…" stands for what is left out. What this module's packages, the standard library and the
// clients of servers have must be there; a package of another module is taken to have what is used of it.
func TestSnippets(t *testing.T) {
	var all []*checkedSnippet
	paths := maps.Clone(snippetPackages)
	for _, file := range documents(t) {
		for _, s := range snippets(t, file, "go") {
			checked, err := parseSnippet(s)
			if err != nil {
				t.Error(err)
				continue
			}
			for _, path := range checked.imports {
				paths[path] = path
			}
			all = append(all, checked)
		}
	}
	if len(all) < 25 {
		t.Errorf("found %d snippets alone", len(all))
	}
	packages := exportData(t, append(slices.Sorted(maps.Values(paths)), "database/sql", "github.com/redis/go-redis/v9"))
	for _, s := range all {
		for _, err := range s.check(packages) {
			t.Error(err)
		}
	}
}

// TestSnippetsAreChecked has TestSnippets' checker refuse what it is there for.
func TestSnippetsAreChecked(t *testing.T) {
	packages := exportData(t, slices.Collect(maps.Values(snippetPackages)))
	for _, tt := range []struct{ name, code, want string }{
		{"method", "n, _ := sess.Incremental(r.Context(), \"n\", 1)", "sess.Incremental undefined"},
		{"method, behind an unknown type", "c.Any()\nsessions.Begin(w, r)", "sessions.Begin undefined"},
		{"function", "session.NewManger(\"memory\", cfg)", "undefined: session.NewManger"},
		{"argument", "sess.Login(r.Context(), 1)", "cannot use 1"},
		{"results", "sess := sessions.Start(w, r)", "assignment mismatch"},
		{"variable", "sesions.Start(w, r)", "undefined: sesions"},
		{"import", "import _ \"github.com/seed1a8f7c28/session/memroy\"", "could not import"},
		{"import of the standard library", "import \"net/htp\"\nhtp.Get()", "could not import"},
		{"syntax", "if sess.IsNew() {", "expected"},
		{"program", "package main\n\nimport \"os\"\n\nfunc main() {}", "imported and not used"},
		{"declaration", "func f() error {\n\tsess.Sav(r.Context())\n\t…\n}", "sess.Sav undefined"},
		{"good statements", "sess, err := sessions.Start(w, r)\n…  // look at err\nif err := sess.Save(r.Context()); err != nil { … }", ""},
		{"good declaration", "import \"log\"\n\nfunc f() error {\n\tlog.Print()\n\t…\n}", ""},
		{"good package of others", "e := echo.New()\ne.POST()\nreturn echo.NewHTTPError(1)", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := parseSnippet(snippet{"page.md", 1, tt.code})
			if err == nil {
				err = errors.Join(s.check(packages)...)
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A checkedSnippet is Go code as a file, in whose first line the test puts head.
type checkedSnippet struct {
	snippet
	head    string // a package clause, "" if the code has one
	rest    string
	imports []string
	program bool // it has to compile as it stands
	elided  bool
	within  bool // statements, in a function of the test's
}

func parseSnippet(s snippet) (*checkedSnippet, error) {
	c := &checkedSnippet{snippet: s}
	code := c.elide()
	if c.rest = code; strings.HasPrefix(code, "package ") {
		c.program = !c.elided
	} else {
		c.head = "package snippet; "
	}
	f, err := c.parse(parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		c.imports = append(c.imports, path)
	}
	_, notDecls := c.parse(0)
	if notDecls == nil || c.head == "" {
		return c, notDecls
	}
	imports, begin := 0, "func _() { "
	if n := len(f.Decls); n > 0 {
		imports, begin = int(f.Decls[n-1].End()-f.FileStart)-len(c.head), "; "+begin
	}
	c.rest, c.within = code[:imports]+begin+code[imports:]+"\n}", true
	if _, err = c.parse(0); err != nil {
		return nil, fmt.Errorf("neither declarations (%w) nor statements (%w)", notDecls, err)
	}
	return c, nil
}

// elide returns the code without the marks of what is left out.
func (c *checkedSnippet) elide() string {
	var scan scanner.Scanner
	code := []byte(c.code)
	fset := token.NewFileSet()
	file := fset.AddFile(c.file, -1, len(code))
	scan.Init(file, code, func(token.Position, string) {}, 0)
	for {
		pos, tok, text := scan.Scan()
		switch {
		case tok == token.EOF:
			return string(code)
		case tok == token.ILLEGAL && text == "…":
			c.elided = true
			copy(code[file.Offset(pos):], bytes.Repeat([]byte(" "), len(text)))
		}
	}
}

func (c *checkedSnippet) parse(mode parser.Mode) (*ast.File, error) {
	return c.parseWith(token.NewFileSet(), nil, mode)
}

// parseWith parses the code with further imports.
func (c *checkedSnippet) parseWith(fset *token.FileSet, names []string, mode parser.Mode) (*ast.File, error) {
	head := c.head
	for _, name := range names {
		head += fmt.Sprintf("import %s %q; ", name, snippetPackages[name])
	}
	f, err := parser.ParseFile(fset, c.file, head+c.rest, mode|parser.SkipObjectResolution)
	if list, ok := errors.AsType[scanner.ErrorList](err); ok && len(list) > 0 {
		err = c.errorAt(list[0].Pos, list[0].Msg)
	}
	return f, err
}

// errorAt says where in the document an error is. Columns of the first line are not those of the document.
func (c *checkedSnippet) errorAt(at token.Position, text string) error {
	return fmt.Errorf("%s:%d: %s", c.file, c.line+at.Line-1, text)
}

// check type-checks the code. What it uses without a declaration is declared, or imported, if the tables have it.
func (c *checkedSnippet) check(packages exports) []error {
	var imports, names []string
	for {
		found := c.checkWith(packages, imports, names)
		again := false
		for _, err := range found {
			name, ok := strings.CutPrefix(err.Msg, "undefined: ")
			if !ok || c.head == "" || slices.Contains(append(imports, names...), name) {
				continue
			}
			if snippetPackages[name] != "" {
				imports, again = append(imports, name), true
			} else if snippetNames[name] != "" {
				names, again = append(names, name), true
			}
		}
		if !again {
			return c.faults(packages, found)
		}
	}
}

func (c *checkedSnippet) checkWith(packages exports, imports, names []string) (found []types.Error) {
	fset := token.NewFileSet()
	f, err := c.parseWith(fset, imports, 0)
	if err != nil {
		return []types.Error{{Msg: err.Error()}}
	}
	taken := snippetNamesHeader
	for _, name := range names {
		taken += fmt.Sprintf("var %s %s\n", name, snippetNames[name])
	}
	files := []*ast.File{f}
	if !c.program {
		g, err := parser.ParseFile(fset, "snippetNames", taken, parser.SkipObjectResolution)
		if err != nil {
			return []types.Error{{Msg: err.Error()}}
		}
		g.Name.Name = f.Name.Name
		files = append(files, g)
	}
	conf := types.Config{
		Importer: packages,
		Error: func(err error) {
			if e, ok := errors.AsType[types.Error](err); ok {
				found = append(found, e)
			}
		},
	}
	_, _ = conf.Check("snippet", fset, files, nil) // Error has been told
	return found
}

var notImported = regexp.MustCompile(`^could not import (\S+) `)

// faults leaves out what is no fault of a snippet that is no program.
func (c *checkedSnippet) faults(packages exports, found []types.Error) (faults []error) {
	for _, err := range found {
		has := func(text string) bool { return strings.Contains(err.Msg, text) }
		m := notImported.FindStringSubmatch(err.Msg)
		switch {
		case m != nil && packages.foreign(m[1]):
		case !c.program && has("declared and not used"):
		case c.elided && (has("missing return") || has("imported and not used")):
		case c.within && (has("too many return values") || has("imported and not used")):
		case err.Fset == nil:
			faults = append(faults, errors.New(err.Msg))
		default:
			faults = append(faults, c.errorAt(err.Fset.Position(err.Pos), err.Msg))
		}
	}
	return faults
}

// exports are the packages that snippets may import.
type exports struct {
	types.Importer
	files map[string]string // of the export data, by import path; "" for packages that this module does not need
}

// exportData compiles the packages, where that has not been done.
func exportData(t *testing.T, paths []string) exports {
	t.Helper()
	args := append([]string{"list", "-e", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "--"}, slices.Compact(slices.Sorted(slices.Values(paths)))...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	packages := exports{files: make(map[string]string)}
	packages.Importer = importer.ForCompiler(token.NewFileSet(), "gc", packages.open)
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		packages.files[path] = file
	}
	if packages.files[module] == "" {
		t.Fatalf("go list has not compiled %s\n%s", module, &stderr)
	}
	return packages
}

func (e exports) open(path string) (io.ReadCloser, error) {
	if e.files[path] == "" {
		return nil, errors.New("not compiled")
	}
	return os.Open(e.files[path])
}

// foreign reports whether a package is of another module, as those in contrib are, and not needed by this one.
func (e exports) foreign(path string) bool {
	if rest, ok := strings.CutPrefix(path, module+"/contrib/"); ok {
		_, err := os.Stat(filepath.Join("contrib", rest, "go.mod"))
		return err == nil
	}
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".") && path != module && !strings.HasPrefix(path, module+"/") && e.files[path] == ""
}

var (
	fencedCode = regexp.MustCompile("(?s)```.*?```")
	ofOthers   = regexp.MustCompile(`(?m)^\| (there|before|in beego|name) \|.*(\n\|.*)*`) // a table whose first column is about other packages
	firstCell  = regexp.MustCompile(`(?m)^\|[^|]*`)
	inlineCode = regexp.MustCompile("`([^`]+)`")
	ourMember  = regexp.MustCompile(`(?:^|[^.\w])(session|sessions|m|Manager|sess|Session|ManagerConfig)\.([A-Z]\w*)`)
	ourName    = regexp.MustCompile(`(?:^|[^.\w])((?:Cfg|Err)[A-Z]\w*)`)
)

// TestNamesInDocuments checks that what the documents' sentences name of this package is there: functions, errors, options, members of
// the Manager, the Session and the ManagerConfig. That of docs/peers.md has names of other packages, and a test of its own.
func TestNamesInDocuments(t *testing.T) {
	exported, n := exportedNames(t), 0
	for _, file := range documents(t) {
		if file == peersPage {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range namesIn(string(text)) {
			if n++; !exported[name] {
				t.Errorf("%s: %s is not exported", file, name)
			}
		}
	}
	if n < 50 {
		t.Errorf("found %d names alone", n)
	}
}

// namesIn returns what the code between the words of a text names of this package, as exportedNames has it.
func namesIn(text string) (names []string) {
	text = fencedCode.ReplaceAllString(text, "")
	text = ofOthers.ReplaceAllStringFunc(text, func(table string) string { return firstCell.ReplaceAllString(table, "") })
	for _, code := range inlineCode.FindAllStringSubmatch(text, -1) {
		for _, m := range ourName.FindAllStringSubmatch(code[1], -1) {
			names = append(names, m[1])
		}
		for _, m := range ourMember.FindAllStringSubmatch(code[1], -1) {
			switch of, name := m[1], m[2]; of {
			case "session":
				names = append(names, name)
			case "sessions", "m":
				names = append(names, "Manager."+name)
			case "sess":
				names = append(names, "Session."+name)
			default:
				names = append(names, of+"."+name)
			}
		}
	}
	return names
}

func TestNamesIn(t *testing.T) {
	const text = "```go\nsession.Block()\n```\n| there | here |\n| --- | --- |\n| `session.Values` | `sess.All` |\n\nCall `sess.Save(ctx)` or `m.Lists(ctx)`, with `session.CfgLazy(true)` and `CfgBeego`: `errors.Is(err, session.ErrGone)`, " +
		"`errors.ErrUnsupported`, `ErrClosed`. See sess.Nothing and `scs.Session.Token`."
	want := []string{"Session.All", "Session.Save", "Manager.Lists", "CfgLazy", "CfgBeego", "ErrGone", "ErrClosed"}
	if got := namesIn(text); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

var variableInJSON = regexp.MustCompile(`\$\{(\w+)\}`)

// TestSnippetsJSON checks that each block of JSON in the documents is a config that ParseConfig and a Manager take. What a provider
// says of its own part, the tests of the provider see.
func TestSnippetsJSON(t *testing.T) {
	n := 0
	for _, file := range documents(t) {
		for _, s := range snippets(t, file, "json") {
			n++
			for _, m := range variableInJSON.FindAllStringSubmatch(s.code, -1) {
				t.Setenv(m[1], strings.Repeat("v", 32))
			}
			c, err := session.ParseConfig([]byte(s.code))
			if err != nil {
				t.Errorf("%s:%d: %v", s.file, s.line, err)
				continue
			}
			c.Provider, c.ProviderConfig = "", ""
			m, err := session.NewManager("memory", c)
			if err != nil {
				t.Errorf("%s:%d: %v", s.file, s.line, err)
				continue
			}
			m.Close()
		}
	}
	if n < 7 {
		t.Errorf("found %d blocks alone", n)
	}
}
