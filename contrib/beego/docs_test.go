package sessionbeego_test

import (
	"os"
	"strings"
	"testing"
)

// TestDocs checks that docs/beego.md has the code that is tested here.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/beego.md")
	must(t, err)
	for begin, file := range map[string]string{
		"func carryOver(":                        "leave_test.go",
		"func carry(":                            "leave_test.go",
		"\tsessions, err := session.NewManager(": "example_test.go",
	} {
		code, err := os.ReadFile(file)
		must(t, err)
		_, rest, _ := strings.Cut(string(code), begin)
		body, _, found := strings.Cut(rest, "\n}\n")
		if !found || !strings.Contains(string(page), begin+body) {
			t.Errorf("docs/beego.md differs from %s, from %q on", file, begin)
		}
	}
}
