package servertest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTime is how long a server may take until it answers, on a machine with much else to do.
const startTime = 60 * time.Second

// A Server is a real server process. Its methods fail the test on errors.
type Server struct {
	Addr string // "127.0.0.1:port", the same after Start

	argv   []string
	env    []string
	dir    string       // its data, configuration and log
	signal os.Signal    // ends it gracefully
	answer func() error // nil once it answers
	tidy   func() error // removes what a killed server leaves outside of dir; may be nil
	login  redisLogin   // of Redis

	mu   sync.Mutex
	proc *process
}

// A plan says how a server is started in dir on addr. The rest of s is filled in by it.
type plan func(s *Server) error

// launch starts a server of t's own. When its port was taken meanwhile it is started again on another.
func launch(t testing.TB, name string, plan plan) *Server {
	t.Helper()
	var err error
	for range 3 {
		p, portErr := pickPort()
		if portErr != nil {
			t.Fatal(portErr)
		}
		var s *Server
		if s, err = launchOn(t, name, p, plan); err == nil {
			return s
		}
	}
	t.Fatal(err)
	return nil
}

// launchOn starts one on p, which it closes when the server is done with.
func launchOn(t testing.TB, name string, p *port, plan plan) (*Server, error) {
	t.Helper()
	t.Cleanup(p.close)
	s := &Server{Addr: p.addr(), dir: newFolder(t, name), signal: syscall.SIGTERM}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.proc == nil {
			return
		}
		if t.Failed() && s.proc.ended() {
			t.Logf("%s on %s has ended; its log ends with\n%s", s.argv[0], s.Addr, lastLines(filepath.Join(s.dir, "log")))
		}
		err := s.proc.kill()
		if err == nil && s.tidy != nil {
			err = s.tidy()
		}
		if err != nil {
			t.Errorf("stopping %s: %v", s.argv[0], err)
		}
	})
	if err := plan(s); err != nil {
		return nil, err
	}
	return s, s.start(1)
}

// start returns when the server answers. One that ends at once is started again, up to tries times.
func (s *Server) start(tries int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && !s.proc.ended() {
		return fmt.Errorf("%s on %s runs already", s.argv[0], s.Addr)
	}
	log := filepath.Join(s.dir, "log")
	limit := time.Now().Add(startTime)
	for {
		proc, err := startProcess(s.argv, s.dir, log, s.env...)
		if err != nil {
			return err
		}
		s.proc = proc
		if err = s.await(limit); err == nil {
			return nil
		}
		if tries--; tries == 0 || !proc.ended() {
			return fmt.Errorf("%s on %s: %w; its log ends with\n%s", s.argv[0], s.Addr, err, lastLines(log))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// await polls until the server answers, ends, or limit.
func (s *Server) await(limit time.Time) error {
	for {
		select {
		case <-s.proc.done: // before the question, since another server may be there that says nothing
		case <-time.After(10 * time.Millisecond):
		}
		err := errors.New("not asked")
		if !s.proc.ended() {
			err = s.answer()
		}
		if s.proc.ended() {
			return fmt.Errorf("ended: %v", s.proc.err)
		}
		if err == nil {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("no answer after %v: %w", startTime, err)
		}
	}
}

// Kill ends the server with SIGKILL, as a crash would. The server is down when Kill returns.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.proc.kill(); err != nil {
		t.Fatal(err)
	}
}

// Stop ends the server by its regular shutdown. The server is down when Stop returns.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.proc.terminate(s.signal); err != nil {
		t.Fatal(err)
	}
}

// Start restarts a server that is down, on the same port with the same data. It returns when the server answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(20); err != nil {
		t.Fatal(err)
	}
}

// Pause stops the server with SIGSTOP: the kernel still accepts connections and bytes for it, but nothing answers.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.proc.stop(); err != nil {
		t.Fatal(err)
	}
}

// Resume continues a paused server, which then handles the requests that came meanwhile.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.proc.resume(); err != nil {
		t.Fatal(err)
	}
}

// Pid returns the id of the current process.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.pid
}
