package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A product with two modules, and an embedded file.
var product = map[string]string{
	"go.mod": "module example.com/toy\n\ngo 1.26.0\n",
	"toy.go": `package toy

import _ "embed"

//go:embed limit.txt
var Limit string

func Less(a, b int) bool {
	return a < b
}

func Untested() int {
	return 1
}
`,
	"limit.txt": "3\n",
	"toy_test.go": `package toy

import "testing"

func TestLess(t *testing.T) {
	if Less(1, 1) || !Less(1, 2) {
		t.Error("wrong")
	}
}

func TestLimit(t *testing.T) {
	if Limit != "3\n" {
		t.Error("wrong")
	}
}
`,
	"contrib/user/go.mod": "module example.com/toy/contrib/user\n\ngo 1.26.0\n\nrequire example.com/toy v0.0.0\n\n" +
		"replace example.com/toy => ../..\n",
	"contrib/user/user.go": "package user\n\nfunc sum(a, b int) int {\n\treturn a + b\n}\n",
	"contrib/user/user_test.go": `package user

import (
	"testing"

	"example.com/toy"
)

func TestUntested(t *testing.T) {
	if toy.Untested() != 1 {
		t.Error("wrong")
	}
}
`,
}

// toy writes the product, with a list of mutants and files that take the place of others.
func toy(t *testing.T, list string, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	all := maps.Clone(product)
	all["tools/mutants/list/list.txt"] = list
	maps.Copy(all, files)
	for name, text := range all {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOFLAGS", "")
	t.Setenv("TMPDIR", t.TempDir())
	t.Cleanup(func() {
		if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	return root
}

const (
	boundary = "== equal is less\nfile: toy.go\n- return a < b\n+ return a <= b\n"
	limit    = "== the limit is another\nfile: limit.txt\n- 3\n+ 4\n"
	untested = "== nobody tests it\nfile: toy.go\n- return 1\n+ return 2\n"
	hangs    = "== it hangs\nfile: toy.go\n- return a < b\n+ for {\n+ }\n"
	sum      = "== no sum\nfile: contrib/user/user.go\n- return a + b\n+ return c\ntest: ./contrib/user\n"
	wrong    = "== it does not compile\nfile: toy.go\n- return 1\n+ return x\n"
)

func TestCampaign(t *testing.T) {
	failing := map[string]string{"limit.txt": "5\n"}
	for _, tt := range []struct {
		name  string
		list  string
		args  []string
		files map[string]string
		ok    bool
		want  string // in the output, or the error
	}{
		{"killed", boundary, nil, nil, true, "equal is less (TestLess)"},
		{"killed in an embedded file", limit, nil, nil, true, "1 mutants: 1 killed, 0 survived, in "},
		{"survivor", untested + boundary, nil, nil, false, "survived: nobody tests it (toy.go, list.txt:1)\n2 mutants: 1 killed, 1 survived, in "},
		{"killed in another module", untested + "test: ./contrib/user\n", nil, nil, true, "1 mutants: 1 killed"},
		{"killed by another package only", untested + "test: ./ ./contrib/user\n", nil, nil, true, "1 mutants: 1 killed"},
		{"hangs", hangs, []string{"-timeout", "5s"}, nil, true, "panic: test timed out"},
		{"race", boundary + "race: yes\n", nil, nil, true, "go test -race ."},
		{"no longer there", strings.Replace(boundary, "a < b", "a > b", 1), nil, nil, false, "list.txt:1: equal is less: toy.go: the lines do not occur"},
		{"no such package", boundary + "test: ./gone\n", nil, nil, false, "test: stat"},
		{"does not compile", wrong, nil, nil, false, "it does not compile: it does not compile:"},
		{"no tests", boundary + "run: Nothing\n", nil, nil, false, "there are no tests to run"},
		{"fails without a change", boundary, nil, failing, false, "go test . fails without any change: TestLimit"},
		{"fails without a change elsewhere", boundary + "run: Less\n", nil, failing, true, "1 mutants: 1 killed"},
		{"only the list", untested, []string{"-list"}, failing, true, "1 mutants fit the product"},
		{"only the list, and one does not compile", boundary + wrong, []string{"-list"}, nil, false, "list.txt:5: it does not compile: it does not compile:"},
		{"only the list, and one of another module does not compile", sum, []string{"-list"}, nil, false, "list.txt:1: no sum: it does not compile"},
		{"by name", untested + boundary, []string{"-run", "^equal"}, nil, true, "1 mutants: 1 killed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := toy(t, tt.list, tt.files)
			var out bytes.Buffer
			ok, err := run(t.Context(), &out, append([]string{"-root", root}, tt.args...))
			if err != nil {
				ok = false
				out.WriteString(err.Error())
			}
			if ok != tt.ok || !strings.Contains(out.String(), tt.want) {
				t.Errorf("got %v, want %v and %q:\n%s", ok, tt.ok, tt.want, &out)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	all := []*mutant{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}, {name: "e"}, {name: "f"}}
	names := func(n int, seed uint64) string {
		c := &campaign{runner: new(runner), out: new(bytes.Buffer)}
		c.choose(all, regexp.MustCompile("[a-e]"), n, seed, false)
		text := ""
		for _, m := range c.mutants {
			text += m.name
		}
		return text
	}
	if got := names(0, 0); got != "abcde" {
		t.Errorf("all: got %q", got)
	}
	if a, b := names(3, 7), names(3, 7); len(a) != 3 || a != b {
		t.Errorf("the same seed: got %q and %q", a, b)
	}
	seen := make(map[string]bool)
	for range 100 {
		seen[names(1, 0)] = true
	}
	if len(seen) < 2 {
		t.Errorf("without a seed: always %v", seen)
	}
}

func TestWithoutServers(t *testing.T) {
	root := toy(t, "", map[string]string{
		"redis/redis_test.go": `import "example.com/toy/internal/test/servertest"`,
	})
	all := []*mutant{{name: "a", packages: []string{"."}}, {name: "b", packages: []string{".", "redis"}}}
	c := &campaign{runner: &runner{root: root}, out: new(bytes.Buffer)}
	c.choose(all, regexp.MustCompile(""), 0, 0, true)
	if len(c.mutants) != 1 || c.mutants[0].name != "a" || c.leftOut != 1 {
		t.Errorf("got %v, and %d left out", c.mutants, c.leftOut)
	}
}

func TestJudge(t *testing.T) {
	failed := error(new(exec.ExitError))
	for _, tt := range []struct {
		name, output string
		err          error
		noticed      string
		fails        bool
	}{
		{"passes", "ok  \texample.com/toy\t0.1s\n", nil, "", false},
		{"a test", "--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\nFAIL\n", failed, "TestA", false},
		{"a crash", "fatal error: stack overflow\n\ngoroutine 1\nFAIL\n", failed, "fatal error: stack overflow", false},
		{"the time", "panic: test timed out after 1s\nFAIL\n", failed, "panic: test timed out after 1s", false},
		{"what does not compile", "./a.go:1:1: undefined\nFAIL\texample.com/toy [build failed]\n", failed, "", true},
		{"what cannot be loaded", "FAIL\texample.com/toy [setup failed]\n", failed, "", true},
		{"no test failed", "FAIL\texample.com/toy\t0.1s\n", failed, "", true},
		{"nothing ran", "ok  \texample.com/toy\t0.1s [no tests to run]\n", nil, "", true},
		{"no go command", "", exec.ErrNotFound, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, err := judge(tt.output, tt.err)
			if o.noticed != tt.noticed || (err != nil) != tt.fails {
				t.Errorf("got %q, %v", o.noticed, err)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	root := toy(t, hangs, nil)
	out := new(first)
	out.then = func() { // the tests have passed without a change: the hanging one is next
		cancel()
	}
	if _, err := run(ctx, out, []string{"-root", root, "-timeout", "10m"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A first calls a function at the first write.
type first struct{ then func() }

func (f *first) Write(p []byte) (int, error) {
	f.then()
	return len(p), nil
}
