package frameworks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const page = "../../docs/frameworks.md"

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocs checks that each block of Go in docs/frameworks.md is in a file that is compiled.
func TestDocs(t *testing.T) {
	files, err := filepath.Glob("*/recipe_test.go")
	if err != nil {
		t.Fatal(err)
	}
	code := read(t, "../../example_exchange_test.go")
	for _, file := range files {
		code += "\n" + read(t, file)
	}
	blocks := strings.Split(read(t, page), "\n```go\n")[1:]
	for i, block := range blocks {
		block, _, closed := strings.Cut(block, "\n```\n")
		if !closed || !strings.Contains(code, "\n"+block+"\n") {
			first, _, _ := strings.Cut(block, "\n")
			t.Errorf("%s: block %d, which begins with %q, is not compiled anywhere", page, i+1, first)
		}
	}
	if len(files) < 7 || len(blocks) < len(files) {
		t.Errorf("%d blocks, %d files", len(blocks), len(files))
	}
}

var required = regexp.MustCompile(`(?m)^\t(\S+ v\S+)$`)

// TestVersions checks that docs/frameworks.md names each framework with the version that is tested.
func TestVersions(t *testing.T) {
	text, n := read(t, page), 0
	for _, m := range required.FindAllStringSubmatch(read(t, "go.mod"), -1) {
		if strings.HasPrefix(m[1], "github.com/seed1a8f7c28/session ") {
			continue
		}
		if n++; !strings.Contains(text, "| "+m[1]+" |") {
			t.Errorf("%s does not name %s", page, m[1])
		}
	}
	if n < 6 {
		t.Errorf("go.mod requires %d frameworks", n)
	}
}
