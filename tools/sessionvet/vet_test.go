package main

import (
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

const shop = `package main

import (
	"net/http"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/memory"
)

func main() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/cart", func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil {
			return
		}
		sess.Set(r.Context(), "cart", "full")
	})
	http.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil {
			return
		}
		defer sess.SessionRelease(r.Context(), w)
		_ = sess.Logout(r.Context())
		go func() { println(sess.User()) }()
	})
	panic(http.ListenAndServe("127.0.0.1:0", nil))
}
`

// goVet runs go vet with the command, as a user does, on all packages of a module. It returns what it prints about lines, and
// whether it has found nothing.
func goVet(t *testing.T, command, dir string, flags ...string) (found []string, clean bool) {
	t.Helper()
	vet := exec.CommandContext(t.Context(), "go", append(append([]string{"vet", "-vettool=" + command}, flags...), "./...")...)
	vet.Dir = dir
	vet.Env = append(os.Environ(), "GOWORK=off")
	out, err := vet.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			found = append(found, strings.TrimPrefix(filepath.ToSlash(line), "./"))
		}
	}
	return found, err == nil
}

func TestGoVet(t *testing.T) {
	command := filepath.Join(t.TempDir(), "sessionvet")
	if runtime.GOOS == "windows" {
		command += ".exe"
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", command, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}

	t.Run("what is wrong", func(t *testing.T) {
		dir := newModule(t)
		write(t, filepath.Join(dir, "main.go"), shop)
		at := func(place, text string) string { return "main.go:" + place + ": " + text }
		release := at("16:16", "the session sess is never released, so its changes are lost: "+
			"defer sess.SessionRelease(ctx, w) once the error is checked, or use FromContext under Handler")
		lost := []string{
			at("20:3", "the error of Set is lost: handle it, or write _ = if it does not matter"),
			at("28:7", "the error of Logout is lost: if it is not nil, the visitor may still be logged in; handle it"),
		}
		goroutine := at("29:3", "a goroutine uses the session sess and can outlive the handler, so its changes can be lost: "+
			"pass it the values that it needs of sess, such as sess.User(), or wait for it, or let it open the session with SessionByID and sess.ID()")
		all := append([]string{release, goroutine}, lost...)
		for _, tt := range []struct {
			flags []string
			want  []string
		}{
			{nil, all},
			{[]string{"-losterror"}, lost},
			{[]string{"-losterror=false", "-afterhandler=false"}, []string{release}},
		} {
			found, clean := goVet(t, command, dir, tt.flags...)
			slices.Sort(found)
			slices.Sort(tt.want)
			if !slices.Equal(found, tt.want) || clean {
				t.Errorf("%q: found, clean: %v\n%s\nwant\n%s", tt.flags, clean, strings.Join(found, "\n"), strings.Join(tt.want, "\n"))
			}
		}
	})

	t.Run("README's program", func(t *testing.T) {
		readme, err := os.ReadFile("../../README.md")
		if err != nil {
			t.Fatal(err)
		}
		_, program, _ := strings.Cut(string(readme), "\n```go\n")
		program, _, ok := strings.Cut(program, "\n```\n")
		if !ok || !strings.Contains(program, "SessionRelease") {
			t.Fatal("README.md has no program")
		}
		dir := newModule(t)
		write(t, filepath.Join(dir, "main.go"), program+"\n")
		if found, clean := goVet(t, command, dir); !clean {
			t.Errorf("found\n%s", strings.Join(found, "\n"))
		}
	})
}

// lookers are functions with an error that needs no table: what they return besides is what they are called for, or they are called once,
// when the program begins or ends.
var lookers = []string{
	"Manager.Close", "Manager.Count", "Manager.HandleExchange", "Manager.Ping", "Manager.SessionsOf",
	"Provider.SessionExist", "Provider.SessionInit", "Provider.SessionRead", "Provider.SessionRegenerate",
	"Session.GetAll", "Session.GetBool", "Session.GetBytes", "Session.GetFloat32", "Session.GetFloat64", "Session.GetInt", "Session.GetInt64",
	"Session.GetMulti", "Session.GetString", "Session.GetTime", "Session.GetUint64", "Session.Len", "Session.MarshalText", "Session.Visit",
	"session.DecodeGob", "session.EncodeGob", "session.Get", "session.GetProvider", "session.LoadConfig", "session.New", "session.NewManager",
	"session.Open", "session.ParseConfig",
}

// TestTables holds the tables to what the packages export: no name in them is gone, and no function with an error is in none.
func TestTables(t *testing.T) {
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps, Dir: "../.."},
		module, module+"/sessionfasthttp")
	if err != nil {
		t.Fatal(err)
	}
	exported := make(map[string]bool)
	for _, p := range loaded {
		for _, err := range p.Errors {
			t.Fatal(err)
		}
		for _, f := range functionsOf(p.Types) {
			name := nameOf(f)
			exported[name] = true
			results := f.Signature().Results()
			if n := results.Len(); n == 0 || !types.Identical(results.At(n-1).Type(), types.Universe.Lookup("error").Type()) {
				continue
			}
			if losses[name] == 0 && !slices.Contains(lookers, name) {
				t.Errorf("%s is in no table: see losses, openings and effects", name)
			}
		}
	}
	check := func(name string) {
		if !exported[name] {
			t.Errorf("there is no %s any more", name)
		}
	}
	for name := range losses {
		check(name)
	}
	for name := range openings {
		check(name)
	}
	for name := range effects {
		check(name)
	}
	for name := range replacing {
		check(name)
	}
	for _, name := range lookers {
		check(name)
	}
	if len(exported) < 100 {
		t.Errorf("looked at %d functions alone", len(exported))
	}
}

// functionsOf returns the exported functions of a package, and methods of the types that an application calls.
func functionsOf(p *types.Package) []*types.Func {
	var all []*types.Func
	for _, name := range p.Scope().Names() {
		switch obj := p.Scope().Lookup(name).(type) {
		case *types.Func:
			if obj.Exported() {
				all = append(all, obj)
			}
		case *types.TypeName:
			if !slices.Contains([]string{"Handled", "Manager", "Provider", "Session", "Store"}, name) {
				continue
			}
			methods := types.NewMethodSet(obj.Type())
			if !types.IsInterface(obj.Type()) {
				methods = types.NewMethodSet(types.NewPointer(obj.Type()))
			}
			for method := range methods.Methods() {
				if method.Obj().Exported() {
					all = append(all, method.Obj().(*types.Func))
				}
			}
		}
	}
	return all
}
