package session

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const configurationPage = "docs/configuration.md"

// A docRow is a row of a table in configurationPage: its cells by the names of their columns.
type docRow struct {
	line  int
	cells map[string]string
}

func (r docRow) errorf(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Errorf("%s:%d: "+format, append([]any{configurationPage, r.line}, args...)...)
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// spans returns the code in a cell.
func (r docRow) spans(column string) (spans []string) {
	for _, m := range codeSpan.FindAllStringSubmatch(r.cells[column], -1) {
		spans = append(spans, m[1])
	}
	return spans
}

// members returns the code in a cell that is a part of a JSON object.
func (r docRow) members(column string) []string {
	return slices.DeleteFunc(r.spans(column), func(span string) bool { return !strings.Contains(span, `":`) })
}

// docTables returns the rows of the tables that have a column.
func docTables(t *testing.T, column string) (rows []docRow) {
	t.Helper()
	text, err := os.ReadFile(configurationPage)
	if err != nil {
		t.Fatal(err)
	}
	var header []string
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		row, isRow := strings.CutPrefix(strings.TrimSpace(line), "| ")
		if !isRow {
			header = nil
			continue
		}
		cells := strings.Split(strings.TrimSuffix(row, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case header == nil:
			header = cells
			continue
		case len(cells) != len(header):
			t.Errorf("%s:%d: a row of %d cells under %d", configurationPage, n, len(cells), len(header))
			continue
		case !slices.Contains(header, column) || strings.Trim(cells[0], "-") == "":
			continue
		}
		r := docRow{n, make(map[string]string)}
		for i, name := range header {
			r.cells[name] = cells[i]
		}
		rows = append(rows, r)
	}
	return rows
}

// settingRows returns the row of each field, and fails unless each has exactly one.
func settingRows(t *testing.T) map[string]docRow {
	t.Helper()
	rows := make(map[string]docRow)
	fields := reflect.TypeFor[ManagerConfig]()
	for _, r := range docTables(t, "in Go") {
		names := r.spans("in Go")
		if len(names) == 0 {
			r.errorf(t, "names no field")
			continue
		}
		if _, ok := fields.FieldByName(names[0]); !ok {
			r.errorf(t, "ManagerConfig has no field %s", names[0])
		}
		if _, twice := rows[names[0]]; twice {
			r.errorf(t, "a second row for %s", names[0])
		}
		rows[names[0]] = r
	}
	for i := range fields.NumField() {
		if name := fields.Field(i).Name; rows[name].line == 0 {
			t.Errorf("%s has no row for %s", configurationPage, name)
			delete(rows, name)
		}
	}
	return rows
}

// keyOf returns the JSON key of a field, "" if it has none.
func keyOf(field string) string {
	f, _ := reflect.TypeFor[ManagerConfig]().FieldByName(field)
	return strings.Trim(f.Tag.Get("json"), "-")
}

// TestConfigurationPage holds the page to the code: it has one row for each field, with its key, its type, and all its options.
func TestConfigurationPage(t *testing.T) {
	rows := settingRows(t)
	fieldsOf := optionFields(t)
	listed := make(map[string]int)
	for field, r := range rows {
		key := r.spans("JSON key")
		if want := keyOf(field); want == "" && len(key) > 0 || want != "" && !slices.Equal(key, []string{want}) {
			r.errorf(t, "the key of %s is %q, want %q", field, key, want)
		}
		if got, want := r.cells["type"], docType(field); got != want {
			r.errorf(t, "the type of %s is %s, want %s", field, got, want)
		}
		for _, option := range r.spans("in Go")[1:] {
			listed[option]++
			if !slices.Contains(fieldsOf[option], field) {
				r.errorf(t, "%s does not set %s", option, field)
			}
		}
		for _, column := range []string{"default", "meaning", "refused"} {
			if r.cells[column] == "" {
				r.errorf(t, "%s has an empty cell: %s", field, column)
			}
		}
	}
	for option, fields := range fieldsOf {
		if listed[option] != 1 {
			t.Errorf("%s has %s, which sets %v, in %d rows", configurationPage, option, fields, listed[option])
		}
	}
}

// docType is how the page names the type of a field.
func docType(field string) string {
	i := slices.IndexFunc(configFields, func(f configField) bool { return f.key == keyOf(field) })
	if i < 0 {
		f, _ := reflect.TypeFor[ManagerConfig]().FieldByName(field)
		return "`" + strings.ReplaceAll(f.Type.String(), "interface {}", "any") + "`"
	}
	switch configFields[i].at(new(ManagerConfig)).(type) {
	case *bool:
		return "true or false"
	case *int, *int64:
		return "number"
	case *seconds, *cookieSeconds:
		return "whole seconds"
	case *time.Duration:
		return "time"
	case *http.SameSite:
		return "word or number"
	case *providerText:
		return "string or object"
	case *[]string:
		return "list of strings"
	default:
		return "string"
	}
}

// optionFields returns which fields each option sets, as its source says.
func optionFields(t *testing.T) map[string][]string {
	t.Helper()
	fields := make(map[string][]string)
	calls := make(map[string]string)
	for _, f := range rootFiles(t) {
		for _, d := range f.Decls {
			d, ok := d.(*ast.FuncDecl)
			if !ok || d.Recv != nil || !strings.HasPrefix(d.Name.Name, "Cfg") {
				continue
			}
			option := d.Name.Name
			fields[option] = nil
			ast.Inspect(d.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "config" {
						fields[option] = append(fields[option], n.Sel.Name)
					}
				case *ast.CallExpr:
					if f, ok := n.Fun.(*ast.Ident); ok && strings.HasPrefix(f.Name, "Cfg") {
						calls[option] = f.Name
					}
				}
				return true
			})
		}
	}
	for option, called := range calls {
		fields[option] = append(fields[option], fields[called]...)
	}
	for option, set := range fields {
		if len(set) == 0 {
			t.Errorf("%s sets no field of config", option)
		}
	}
	if len(fields) < reflect.TypeFor[ManagerConfig]().NumField() {
		t.Errorf("found %d options alone", len(fields))
	}
	return fields
}

// rootFiles returns the files of this package but its tests.
func rootFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]*ast.File)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	return files
}

// TestConfigurationPageDefaults checks that the first code in the cell is what a Manager works with where nothing is set, and that a
// literal differs in one field.
func TestConfigurationPageDefaults(t *testing.T) {
	s, err := NewManagerConfig().resolve()
	if err != nil {
		t.Fatal(err)
	}
	for field, r := range settingRows(t) {
		spans, key := r.spans("default"), keyOf(field)
		resolved := reflect.ValueOf(s.ManagerConfig).FieldByName(field)
		switch {
		case len(spans) == 0:
			r.errorf(t, "no code says the default of %s", field)
		case key == "":
			if spans[0] != "nil" || !resolved.IsNil() {
				r.errorf(t, "the default of %s is %s, want nil", field, spans[0])
			}
		default:
			c := mustParseConfig(t, `{"`+key+`": `+spans[0]+`}`)
			if got, want := reflect.ValueOf(*c).FieldByName(field).Interface(), resolved.Interface(); !reflect.DeepEqual(got, want) {
				r.errorf(t, "the default of %s is %#v, want %#v", field, got, want)
			}
		}
	}
	literal, err := new(ManagerConfig).resolve()
	if err != nil {
		t.Fatal(err)
	}
	if got := changedFields(&s.ManagerConfig, &literal.ManagerConfig); !slices.Equal(got, []string{"EnableSetCookie"}) {
		t.Errorf("a literal differs in %v", got)
	}
}

// TestConfigurationPageExamples checks that each example is a config that a Manager takes and that says something, and that each
// refused one is refused by the name of its key. What settings.go refuses has an example of it.
func TestConfigurationPageExamples(t *testing.T) {
	t.Setenv("SESSION_KEY", strings.Repeat("k", 44))
	t.Setenv("SESSION_KEY_OLD", strings.Repeat("o", 44))
	refusing := refusedIn(t, "settings.go")
	for field, r := range settingRows(t) {
		key := keyOf(field)
		if key == "" {
			continue
		}
		if len(r.members("example")) == 0 {
			r.errorf(t, "no example of %s", key)
		}
		for _, example := range r.members("example") {
			c, err := takeConfig(example)
			switch {
			case err != nil:
				r.errorf(t, "{%s}: %v", example, err)
			case !slices.Contains(changedFields(NewManagerConfig(), c), field):
				r.errorf(t, "{%s} does not change %s", example, field)
			}
		}
		refused := r.members("refused")
		if isNothing := r.cells["refused"] == "nothing"; refusing[key] && len(refused) == 0 || isNothing == (len(refused) > 0) {
			r.errorf(t, "what is refused of %s is %s, with %d examples", key, r.cells["refused"], len(refused))
		}
		for _, example := range refused {
			_, err := takeConfig(example)
			if wrong, ok := errors.AsType[*ConfigError](err); !ok || wrong.Field != key && !strings.HasPrefix(wrong.Field, key+".") {
				r.errorf(t, "{%s} is refused with %v, want an error that names %s", example, err, key)
			}
		}
	}
}

// takeConfig makes a Manager of the members of a JSON object, with the memory provider unless they name another.
func takeConfig(members string) (*ManagerConfig, error) {
	c, err := ParseConfig([]byte("{" + members + "}"))
	if err != nil {
		return nil, err
	}
	c.Logger = slog.New(slog.DiscardHandler)
	open := Open
	if c.Provider == "" {
		open = func(c *ManagerConfig) (*Manager, error) { return NewManager(ProviderMemory, c) }
	}
	m, err := open(c)
	if err != nil {
		return nil, err
	}
	return c, m.Close()
}

// refusedIn returns the keys that a file names.
func refusedIn(t *testing.T, file string) map[string]bool {
	t.Helper()
	keys := make(map[string]bool)
	ast.Inspect(rootFiles(t)[file], func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && slices.Contains(configKeys(), text) {
				keys[text] = true
			}
		}
		return true
	})
	if len(keys) < 20 {
		t.Fatalf("%s names %d keys alone", file, len(keys))
	}
	return keys
}

// TestConfigurationPageNames checks the table of the names that are beego's: what it names is there, and it has all options of which
// a field has several.
func TestConfigurationPageNames(t *testing.T) {
	options := optionFields(t)
	fields := reflect.TypeFor[ManagerConfig]()
	named := make(map[string]bool)
	for _, r := range docTables(t, "from beego") {
		for _, column := range []string{"from beego", "beside it"} {
			for _, name := range r.spans(column) {
				named[name] = true
				_, isField := fields.FieldByName(name)
				if _, isOption := options[name]; !isField && !isOption && !slices.Contains(configKeys(), name) {
					r.errorf(t, "%s is no field, key or option", name)
				}
			}
		}
	}
	setBy := make(map[string][]string)
	for option, set := range options {
		for _, field := range set {
			setBy[field] = append(setBy[field], option)
		}
	}
	for field, several := range setBy {
		for _, option := range several {
			if len(several) > 1 && !named[option] {
				t.Errorf("%s does not say which of %v to take for %s: %s is not named", configurationPage, several, field, option)
			}
		}
	}
	if len(named) < 15 {
		t.Errorf("found %d names alone", len(named))
	}
}
