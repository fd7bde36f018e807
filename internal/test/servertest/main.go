package servertest

import (
	"sync"
	"testing"
)

// Main runs the tests of m, stops the servers that they shared, and removes the servers' folders. Call it last in TestMain.
func Main(m *testing.M) {
	end.running = true
	m.Run() // the exit status is set when TestMain returns
	end.run()
	removeFolders()
}

// end is what Main does after the tests.
var end atEnd

type atEnd struct {
	running bool // Main was called

	mu    sync.Mutex
	funcs []func()
}

func (e *atEnd) add(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.funcs = append(e.funcs, f)
}

func (e *atEnd) run() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := len(e.funcs) - 1; i >= 0; i-- {
		e.funcs[i]()
	}
	e.funcs = nil
}

// A shared is started by the first test that asks for it, and stopped by Main.
type shared[T any] struct {
	mu    sync.Mutex
	up    bool
	value T
}

// get fails t if start fails. The next test that asks for it tries again.
func (s *shared[T]) get(t testing.TB, start func(testing.TB) T) T {
	t.Helper()
	if !end.running {
		t.Fatal("shared servers need func TestMain(m *testing.M) { servertest.Main(m) }")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.up {
		s.value = start(sharing{t})
		s.up = true
	}
	return s.value
}

// A sharing is the test that starts something shared. It may fail, but its cleanups wait for Main.
type sharing struct{ testing.TB }

func (sharing) Cleanup(f func()) { end.add(f) }
