package drilltest

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

const modulePath = "github.com/seed1a8f7c28/session"

// A source is one version of this module.
type source struct {
	version string // "old" or "new"
	dir     string
	edits   []edit
}

// An edit changes a source on its way to the compiler. The text before stands in one place of the source, so that none
// is changed by an edit that does not do any more what it is meant to.
type edit struct{ before, after string }

// present is the source that this test is part of.
func present(t *testing.T) source {
	t.Helper()
	mod := strings.TrimSpace(output(t, "go", "env", "GOMOD"))
	return source{version: "new", dir: filepath.Dir(mod)}
}

// build builds a node with these providers, in the module in a folder of the source, and returns the program. The node's files and
// the edits are laid over the source, which stays as it is.
func (s source) build(t *testing.T, module string, providers ...string) string {
	t.Helper()
	work := servertest.Folder(t)
	overlay := s.edited(t, work)
	target := filepath.Join(s.dir, module, "internal", "drillnode")
	files, err := filepath.Glob(filepath.Join("node", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the program of a node is missing: %v", err)
	}
	for _, file := range files {
		if overlay[filepath.Join(target, filepath.Base(file))], err = filepath.Abs(file); err != nil {
			t.Fatal(err)
		}
	}
	imports := "package main\n"
	for _, provider := range providers {
		imports += fmt.Sprintf("\nimport _ %q\n", modulePath+"/"+provider)
	}
	overlay[filepath.Join(target, "providers.go")] = write(t, work, "providers.go", imports)
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(work, s.version+"-node.exe")
	overlaid := "-overlay=" + write(t, work, "overlay.json", string(text))
	cmd := exec.Command("go", "build", overlaid, "-buildvcs=false", "-ldflags=-s -w", "-o", program, "./internal/drillnode")
	cmd.Dir = filepath.Join(s.dir, module)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the %s node: %v\n%s", s.version, err, out)
	}
	return program
}

// edited writes the files that the edits change to work, and returns which ones they stand for.
func (s source) edited(t *testing.T, work string) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	if len(s.edits) > 0 {
		texts = s.texts(t)
	}
	changed := make(map[string]string)
	for i, e := range s.edits {
		var found []string
		for path, text := range texts {
			for range strings.Count(text, e.before) {
				found = append(found, path)
			}
		}
		if len(found) != 1 {
			t.Fatalf("the text to edit stands in %d places of the source, want 1: %q", len(found), e.before)
		}
		path := found[0]
		texts[path] = strings.Replace(texts[path], e.before, e.after, 1)
		changed[path] = write(t, work, fmt.Sprint("edit", i, ".go"), texts[path])
	}
	return changed
}

// texts returns the source of the packages of the root module that ship, by their paths.
func (s source) texts(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != s.dir && (strings.HasPrefix(name, ".") || name == "contrib" || name == "drilltest"):
			return fs.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		texts[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// output returns what a command prints, and fails the test with what it says otherwise.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), said(err))
	}
	return string(out)
}
