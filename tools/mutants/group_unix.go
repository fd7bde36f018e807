//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// inGroup makes sure that cmd ends together with all processes that it has started.
func inGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
