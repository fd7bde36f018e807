package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"
)

// newModule returns a folder with the module example.com/shop, which requires the session module as it stands beside this
// one, at the versions of what that requires.
func newModule(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	versions, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod := strings.Replace(string(versions), "module "+module, "module example.com/shop", 1) +
		"\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + filepath.ToSlash(root) + "\n"
	write(t, filepath.Join(dir, "go.mod"), mod)
	write(t, filepath.Join(dir, "go.sum"), string(sums))
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAnalyzers holds the analyzers to the comments in testdata, on the session package as it is.
func TestAnalyzers(t *testing.T) {
	dir := newModule(t)
	if err := os.CopyFS(dir, os.DirFS("testdata/src")); err != nil {
		t.Fatal(err)
	}
	// The analyzers' tests load offline: what is not in the module cache yet comes into it here.
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "./...")
	list.Dir = dir
	list.Env = append(os.Environ(), "GOWORK=off")
	if out, err := list.CombinedOutput(); err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for a, packages := range map[*analysis.Analyzer][]string{
		unreleased:   {"unreleased", "underhandler", "imports", "onfasthttp"},
		lostError:    {"losterror"},
		afterHandler: {"afterhandler"},
	} {
		t.Run(a.Name, func(t *testing.T) {
			for i, name := range packages {
				packages[i] = "example.com/shop/" + name
			}
			analysistest.Run(t, dir, a, packages...)
		})
	}
}
