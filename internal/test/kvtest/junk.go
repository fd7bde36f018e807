package kvtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Junk returns a function for Engine.Damage, whose ways are to overwrite the files of a folder that fit one of the patterns. With
// "begin " before the pattern, only the first half of a file.
func Junk(patterns ...string) func(t testing.TB, path string, way int) bool {
	return func(t testing.TB, path string, way int) bool {
		t.Helper()
		if way >= len(patterns) {
			return false
		}
		pattern, half := strings.CutPrefix(patterns[way], "begin ")
		files, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no file %s: %v", patterns[way], err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			over := text
			if half {
				over = text[:len(text)/2]
			}
			copy(over, bytes.Repeat([]byte("junk"), len(over)/4+1))
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return true
	}
}
