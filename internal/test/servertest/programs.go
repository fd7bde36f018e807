package servertest

import (
	"cmp"
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
		if len(f) < 3 || f[0] != server {
			continue
		}
		if len(f) > 3 {
			path, err := exec.LookPath(filepath.Join(fetched(server), "bin", f[1]))
			if err != nil && f[3] == "unstable" {
				t.Skipf("left out, needs %s, which scripts/fetch.sh fetches", server)
			}
			if err == nil {
				paths[f[1]] = path
				continue
			}
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

// lookProgram looks where Debian puts servers too, which is not in everyone's PATH. PostgreSQL's programs are taken
// from one version's folder, the highest: psql in the PATH is a script that looks for a cluster first.
func lookProgram(name string) (string, error) {
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(versions, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(b, a))
	})
	for _, dir := range append(versions, "/usr/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return exec.LookPath(name)
}

// fetched is where scripts/fetch.sh puts a server: not in root's home, into which the servers of root's tests cannot look.
func fetched(server string) string {
	cache := "/var/cache"
	if os.Getuid() != 0 {
		cache, _ = os.UserCacheDir()
	}
	return filepath.Join(cache, "session-servers", server)
}
