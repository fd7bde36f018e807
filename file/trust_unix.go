//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package file

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// nonblock makes opening a pipe return at once, even without a writer.
const nonblock = syscall.O_NONBLOCK

// trusted returns an error if others own the folder or can write to it: they could read sessions there, or plant some. A
// group of this process may write, because Kubernetes gives a volume to one (fsGroup) each time it mounts the volume.
func trusted(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode().Perm(); {
	case !ok:
		return nil
	case int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d, and this process runs as %d", stat.Uid, os.Geteuid())
	case mode&0o002 != 0, mode&0o020 != 0 && !ourGroup(int(stat.Gid)):
		return fmt.Errorf("others can write to it: mode %#o", mode)
	}
	return nil
}

func ourGroup(gid int) bool {
	groups, err := os.Getgroups()
	return gid == os.Getegid() || err == nil && slices.Contains(groups, gid)
}
