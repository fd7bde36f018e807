//go:build !linux

package servertest

import (
	"errors"
	"io"
	"os"
	"os/exec"
)

// Servers are not started here: programs skips the test before. Only a Proxy and NewCerts work.

var errLinuxOnly = errors.New("servers are started on Linux only")

func serverAttributes(*exec.Cmd) error { return errLinuxOnly }

func detach(*exec.Cmd) {}

func give(string) error { return nil }

func send(int, os.Signal) error { return errLinuxOnly }

func kill(int) error { return errLinuxOnly }

func anyRuns([]int) bool { return false }

func (p *process) stop() ([]int, error) { return nil, errLinuxOnly }

func (p *process) resume() error { return errLinuxOnly }

func holdPort(int) (io.Closer, error) { return io.NopCloser(nil), nil }
