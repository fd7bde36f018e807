package servertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// nobody is the account of the servers when root runs the tests: PostgreSQL and memcached refuse root. The
// programs do not become it by themselves, since that would make the kernel forget Pdeathsig.
const nobody = 65534

// serverAttributes makes the server of cmd end together with the thread that starts it, and keeps it from getting the
// terminal's signals, which are for the test binary.
func serverAttributes(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return nil
}

// detach keeps cmd out of reach of a terminal's signals.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// give makes the servers' account the owner of path.
func give(path string) error {
	if os.Getuid() != 0 {
		return nil
	}
	return os.Lchown(path, nobody, nobody)
}

func send(pid int, signal os.Signal) error {
	err := syscall.Kill(pid, signal.(syscall.Signal))
	if errors.Is(err, syscall.ESRCH) {
		return nil // it has ended
	}
	return err
}

func kill(pid int) error { return send(pid, syscall.SIGKILL) }

// stop halts p and its child processes, and returns their ids, p's first.
func (p *process) stop() ([]int, error) {
	family := []int{p.pid}
	for stopped := 0; stopped < len(family); {
		for ; stopped < len(family); stopped++ {
			if err := send(family[stopped], syscall.SIGSTOP); err != nil {
				return nil, err
			}
		}
		children, err := childrenOf(family)
		if err != nil {
			return nil, err
		}
		family = append(family, children...)
	}
	return family, nil
}

// resume continues p and its child processes, p last.
func (p *process) resume() error {
	family, err := p.stop()
	if err != nil {
		return err
	}
	for i := len(family) - 1; i >= 0; i-- {
		if err := send(family[i], syscall.SIGCONT); err != nil {
			return err
		}
	}
	return nil
}

// childrenOf returns the children of all parents that are not themselves among these.
func childrenOf(parents []int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var children []int
	for _, stat := range stats {
		state, parent, err := readStat(stat)
		if err != nil || state == 'Z' || !slices.Contains(parents, parent) {
			continue // err: it has ended meanwhile
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(parents, pid) {
			children = append(children, pid)
		}
	}
	return children, nil
}

// anyRuns reports whether one of pids exists and is not a zombie.
func anyRuns(pids []int) bool {
	for _, pid := range pids {
		state, _, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil && state != 'Z' && state != 'X' {
			return true
		}
	}
	return false
}

func readStat(path string) (state byte, parent int, err error) {
	stat, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	// The name in parentheses may hold anything; the rest does not hold a parenthesis.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0, 0, fmt.Errorf("%s: %q", path, stat)
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0][0], parent, err
}

// holdPort keeps port from the other test binaries on this machine, also while no server listens there. The
// name is not in the file system and ends with the process.
func holdPort(port int) (io.Closer, error) {
	return net.Listen("unix", "@session-servertest-"+strconv.Itoa(port))
}
