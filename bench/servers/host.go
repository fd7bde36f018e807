package servers

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
)

// A Host replaces the test for package servertest. Servers are started for it and stopped at the end.
type Host struct {
	testing.TB // nil: only the methods below are called

	cleanups []func()
	err      error
	skipped  string // why
}

func (h *Host) Helper()                    {}
func (h *Host) Cleanup(f func())           { h.cleanups = append(h.cleanups, f) }
func (h *Host) Failed() bool               { return h.err != nil }
func (h *Host) Logf(f string, args ...any) { fmt.Fprintf(os.Stderr, f+"\n", args...) }
func (h *Host) Errorf(format string, args ...any) {
	h.err = errors.Join(h.err, fmt.Errorf(format, args...))
}

func (h *Host) Fatal(args ...any) {
	h.err = errors.Join(h.err, errors.New(fmt.Sprint(args...)))
	runtime.Goexit()
}

func (h *Host) Fatalf(format string, args ...any) { h.Fatal(fmt.Sprintf(format, args...)) }

func (h *Host) Skipf(format string, args ...any) {
	h.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// TempDir returns a folder that close removes.
func (h *Host) TempDir() string {
	dir, err := os.MkdirTemp("", "session-bench-")
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			h.Errorf("%w", err)
		}
	})
	return dir
}

// Try calls f, which may end by Fatal or Skipf, and returns the failure. skipped is what f gave to Skipf, or "".
func (h *Host) Try(f func()) (skipped string, err error) {
	h.skipped = ""
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
	return h.skipped, h.err
}

// Close stops everything that was started, in reverse order.
func (h *Host) Close() error {
	for _, f := range slices.Backward(h.cleanups) {
		f()
	}
	return h.err
}
