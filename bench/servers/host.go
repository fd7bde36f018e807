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

// Helper does nothing.
func (h *Host) Helper() {}

// Cleanup has Close call f.
func (h *Host) Cleanup(f func()) { h.cleanups = append(h.cleanups, f) }

// Failed reports whether there was an error.
func (h *Host) Failed() bool { return h.err != nil }

// Logf writes to the standard error.
func (h *Host) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Errorf adds an error.
func (h *Host) Errorf(format string, args ...any) {
	h.err = errors.Join(h.err, fmt.Errorf(format, args...))
}

// Fatal adds an error and ends the goroutine, which must be that of Try.
func (h *Host) Fatal(args ...any) {
	h.err = errors.Join(h.err, errors.New(fmt.Sprint(args...)))
	runtime.Goexit()
}

// Fatalf is Fatal with a format.
func (h *Host) Fatalf(format string, args ...any) { h.Fatal(fmt.Sprintf(format, args...)) }

// Skipf says why something is left out, and ends the goroutine as Fatal does.
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
