package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersions(t *testing.T) {
	for _, version := range []string{"", "1.0.0", "v1", "v1.0", "v1.0.0+meta", "latest"} {
		if err := run(t.Context(), io.Discard, "..", version); err == nil || !strings.Contains(err.Error(), "-version") {
			t.Errorf("version %q: %v", version, err)
		}
	}
}

// TestEveryModuleIsTried tags the repository's own modules in a copy, and looks that each is tried or known to be for nobody.
func TestEveryModuleIsTried(t *testing.T) {
	c := newCandidate(t)
	if err := c.tag(t.Context(), filepath.Join("..", "..")); err != nil {
		t.Fatal(err)
	}
	if err := complete(c.modules); err != nil {
		t.Error(err)
	}
	if err := complete(append(c.modules, mod{"contrib/forgotten", rootPath + "/contrib/forgotten"})); err == nil {
		t.Error("a module that no user tries is not missed")
	}
	for _, u := range users {
		if u.program == "" {
			continue
		}
		if _, err := u.source(); err != nil {
			t.Errorf("%s: %v", u.pkg, err)
		}
	}
}

// TestTagged looks at what users of a small repository get: the version in the place of the folder, and no file of another module.
func TestTagged(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":           "module " + rootPath + "\n\ngo 1.26.0\n",
		"session.go":       "package session\n",
		"contrib/x/go.mod": "module " + rootPath + "/contrib/x\n\ngo 1.26.0\n\nreplace " + rootPath + " => ../..\n\nrequire " + rootPath + " v0.0.0\n",
		"contrib/x/x.go":   "package x\n\nimport _ \"" + rootPath + "\"\n",
	} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	repository := &candidate{folder: root}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "."}, {"commit", "--quiet", "-m", "first"}} {
		if _, err := repository.git(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	c := newCandidate(t)
	if err := c.tag(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	for _, m := range c.modules {
		if err := c.serve(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(c.proxy, rootPath, "contrib/x/@v/v0.1.0.mod"))
	if err != nil || !strings.Contains(string(text), rootPath+" v0.1.0") || strings.Contains(string(text), "replace") {
		t.Errorf("contrib/x has %v\n%s", err, text)
	}
	program := "package main\n\nimport (\n\t\"fmt\"\n\n\t_ \"" + rootPath + "/contrib/x\"\n)\n\nfunc main() { fmt.Println(\"ok\") }\n"
	if err := (user{pkg: "contrib/x"}).run(t.Context(), c, t.TempDir(), []byte(program)); err != nil {
		t.Error(err)
	}
	program = strings.Replace(program, `"ok"`, `"not ok"`, 1)
	if err := (user{pkg: "contrib/x"}).run(t.Context(), c, t.TempDir(), []byte(program)); err == nil {
		t.Error("a user for whom it does not work is not noticed")
	}
	if err := (user{pkg: "contrib/y"}).run(t.Context(), c, t.TempDir(), []byte(program)); err == nil {
		t.Error("a package that is not there is not missed")
	}
}

func newCandidate(t *testing.T) *candidate {
	t.Helper()
	folder := t.TempDir()
	t.Setenv("GOPROXY", "off") // nothing but what the test serves
	return &candidate{version: "v0.1.0", folder: filepath.Join(folder, "copy"), proxy: filepath.Join(folder, "proxy")}
}
