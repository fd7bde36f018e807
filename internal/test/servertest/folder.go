package servertest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// folders contains the one folder of this test binary. Every server has its own folder below it.
var folders struct {
	mu      sync.Mutex
	root    string
	sweeper *exec.Cmd
	alive   io.Closer // the sweeper waits for its end, which comes with the end of this process at the latest
}

// Folder returns a folder for files of t. It is removed when t or this process ends, also if a signal ends it. Servers may
// write to it.
func Folder(t testing.TB) string {
	t.Helper()
	if runtime.GOOS == "windows" { // there is no shell for the sweeper
		return t.TempDir()
	}
	return newFolder(t, "files")
}

// newFolder creates a folder that the servers' account may write to, and removes it when t ends.
func newFolder(t testing.TB, name string) string {
	t.Helper()
	dir, err := makeFolder(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing the folder of a server: %v", err)
		}
	})
	return dir
}

func makeFolder(name string) (string, error) {
	folders.mu.Lock()
	defer folders.mu.Unlock()
	if folders.root == "" {
		root, err := os.MkdirTemp("", "session-servers-")
		if err != nil {
			return "", err
		}
		if err := errors.Join(os.Chmod(root, 0o711), sweepAfterwards(root)); err != nil {
			return "", errors.Join(err, os.RemoveAll(root))
		}
		folders.root = root
	}
	dir, err := os.MkdirTemp(folders.root, name+"-")
	if err != nil {
		return "", err
	}
	return dir, give(dir)
}

// sweep waits for the end of its input and removes the folder, with the shared memory of killed PostgreSQL servers. It
// tries again, because servers that are being killed may still be writing.
const sweep = `exec 2>/dev/null
cat >/dev/null
for file in "$1"/*/data/postmaster.pid; do
	[ -f "$file" ] && ipcrm -m "$(awk 'NR == 7 { print $2 }' "$file")"
done
for try in 1 2 3 4 5; do rm -rf -- "$1" && exit; sleep 0.5; done`

// sweepAfterwards removes root even when this process is killed.
func sweepAfterwards(root string) error {
	cmd := exec.Command("/bin/sh", "-c", sweep, "sweep", root)
	detach(cmd)
	alive, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("a shell to remove %s later: %w", root, err)
	}
	folders.sweeper, folders.alive = cmd, alive
	return nil
}

// removeFolders removes what is left after the tests.
func removeFolders() {
	folders.mu.Lock()
	defer folders.mu.Unlock()
	if folders.root == "" {
		return
	}
	folders.alive.Close()
	if err := folders.sweeper.Wait(); err != nil {
		fmt.Fprintf(os.Stderr, "servertest: removing %s: %v\n", folders.root, err)
	}
	folders.root = ""
}

// writeFile writes a file for a server. Only the servers' account can read it.
func writeFile(dir, name, content string) (string, error) {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return "", err
	}
	return path, give(path)
}
