package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
)

// A host replaces the test for package servertest. Servers are started for it and stopped at the end.
type host struct {
	testing.TB // nil: only the methods below are called

	cleanups []func()
	err      error
	skipped  string
}

func (h *host) Helper()                    {}
func (h *host) Cleanup(f func())           { h.cleanups = append(h.cleanups, f) }
func (h *host) Failed() bool               { return h.err != nil }
func (h *host) Logf(f string, args ...any) { fmt.Fprintf(os.Stderr, f+"\n", args...) }
func (h *host) Errorf(format string, args ...any) {
	h.err = errors.Join(h.err, fmt.Errorf(format, args...))
}

func (h *host) Fatal(args ...any) {
	h.err = errors.Join(h.err, errors.New(fmt.Sprint(args...)))
	runtime.Goexit()
}

func (h *host) Fatalf(format string, args ...any) { h.Fatal(fmt.Sprintf(format, args...)) }

func (h *host) Skipf(format string, args ...any) {
	h.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// TempDir returns a folder that close removes.
func (h *host) TempDir() string {
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

// try calls f, which may end by Fatal or Skipf, and returns the failure.
func (h *host) try(f func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
	return h.err
}

// close stops everything that was started, in reverse order.
func (h *host) close() error {
	for _, f := range slices.Backward(h.cleanups) {
		f()
	}
	return h.err
}
