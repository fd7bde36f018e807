package servertest

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// A Program is a server that is not a Debian package: a binary that the tests have, such as the test binary itself.
type Program struct {
	Name string // for messages
	Path string // of the binary, which is copied, because the servers' account may not reach it

	// Env returns additional environment variables, for the address and the folder of the server.
	Env func(addr, dir string) []string

	// Answer returns nil once the server on addr answers.
	Answer func(addr string) error

	// Offsets are further ports of the server, counted from that of its address. They are kept for it, too.
	Offsets []int
}

// StartProgram starts a server for t and stops it when t ends.
func StartProgram(t testing.TB, o Program) *Server {
	t.Helper()
	if os.Getenv("SERVERS") == "off" {
		t.Skipf("SERVERS=off: left out, needs %s", o.Name)
	}
	if runtime.GOOS != "linux" {
		t.Skipf("left out, needs %s, and servers are started on Linux only", o.Name)
	}
	p, err := pickPort(o.Offsets...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := launchOn(t, o.Name, p, func(s *Server) error {
		program := filepath.Join(s.dir, "program")
		s.argv, s.env, s.signal = []string{program}, o.Env(s.Addr, s.dir), syscall.SIGTERM
		s.answer = func() error { return o.Answer(s.Addr) }
		return copyProgram(o.Path, program)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
