package servertest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

//go:embed programs.txt
var programsTxt string

// programs finds what server needs: the path of each program by its name. It skips the test when servers are
// off, and ends it when a program is missing.
func programs(t testing.TB, server string) map[string]string {
	t.Helper()
	if os.Getenv("SERVERS") == "off" {
		t.Skipf("SERVERS=off: left out, needs %s", server)
	}
	if runtime.GOOS != "linux" {
		t.Skipf("left out, needs %s, and servers are started on Linux only", server)
	}
	paths := make(map[string]string)
	for line := range strings.Lines(programsTxt) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != server {
			continue
		}
		path, err := lookProgram(f[1])
		if err != nil {
			t.Fatalf("%s is missing: install the Debian package %s (make test does), or leave such tests out with SERVERS=off", f[1], f[2])
		}
		paths[f[1]] = path
	}
	if len(paths) == 0 {
		t.Fatalf("programs.txt lists nothing for %s", server)
	}
	return paths
}

// lookProgram looks where Debian puts servers too, which is not in everyone's PATH.
func lookProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(versions, func(a, b string) int { // the highest first
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(b, a)
	})
	for _, dir := range append([]string{"/usr/sbin"}, versions...) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", err
}
