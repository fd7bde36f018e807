package servertest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A process is started by this package. It ends with the test binary at the latest.
type process struct {
	pid  int
	done chan struct{} // closed when it has ended
	err  error         // the result; read it only after done
}

// startProcess starts argv under the servers' account, and appends its output to the file log.
func startProcess(argv []string, dir, log string, env ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.Env = append(os.Environ(), env...)
	if err := serverAttributes(cmd); err != nil {
		return nil, err
	}

	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel ends the child together with the thread that started it, not with the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run is startProcess for a program that does its work and exits. Its output goes to dir's log.
func run(argv []string, dir string, env ...string) error {
	log := filepath.Join(dir, "log")
	p, err := startProcess(argv, dir, log, env...)
	if err != nil {
		return err
	}
	<-p.done
	if p.err != nil {
		return fmt.Errorf("%s: %w; it said\n%s", argv[0], p.err, lastLines(log))
	}
	return nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends p and its child processes by force, and waits.
func (p *process) kill() error {
	if p.ended() {
		return nil
	}
	family, err := p.stop() // so that none of them forks meanwhile
	if err != nil {
		return err
	}
	for _, pid := range family {
		if err := kill(pid); err != nil {
			return err
		}
	}
	<-p.done
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if !anyRuns(family) {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("processes %v did not end by SIGKILL", family)
		}
	}
}

// terminate asks p to end, with the signal that its program expects, and waits.
func (p *process) terminate(signal os.Signal) error {
	if p.ended() {
		return nil
	}
	if err := errors.Join(p.resume(), send(p.pid, signal)); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("process %d still runs 30 seconds after %v", p.pid, signal)
	}
}

// lastLines returns the end of a log, for an error message.
func lastLines(log string) string {
	const most = 15
	content, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return "\t" + strings.Join(lines[max(0, len(lines)-most):], "\n\t")
}
