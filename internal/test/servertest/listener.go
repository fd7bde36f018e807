package servertest

import (
	"net"
	"sync"
	"testing"
)

// A Listener accepts connections for a fake server in the test's own process. Its methods are safe for concurrent use.
type Listener struct {
	Addr string // "127.0.0.1:port"; stays the same when it starts again

	t     testing.TB
	serve func(nc net.Conn)

	mu       sync.Mutex
	listener net.Listener // nil while it is stopped
	conns    map[net.Conn]bool
	running  sync.WaitGroup
}

// Listen starts a Listener on a free port. It calls serve for each connection in a goroutine, and closes the connection when
// serve returns. It stops when t ends.
func Listen(t testing.TB, serve func(nc net.Conn)) *Listener {
	t.Helper()
	port, err := pickPort()
	if err != nil {
		t.Fatal(err)
	}
	l := &Listener{Addr: port.addr(), t: t, serve: serve, conns: make(map[net.Conn]bool)}
	l.Start()
	t.Cleanup(func() {
		l.Stop()
		port.close()
	})
	return l
}

// Start accepts connections again. It does nothing if it has not been stopped.
func (l *Listener) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener != nil {
		return
	}
	listener, err := net.Listen("tcp", l.Addr)
	if err != nil {
		l.t.Errorf("listening on %s: %v", l.Addr, err)
		return
	}
	l.listener = listener
	l.running.Go(func() { l.accept(listener) })
}

// Stop refuses connections, closes the open ones, and waits until serve has returned for each.
func (l *Listener) Stop() {
	l.mu.Lock()
	if l.listener != nil {
		l.listener.Close()
		l.listener = nil
	}
	for nc := range l.conns {
		nc.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
}

// Connections returns the number of open connections.
func (l *Listener) Connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

func (l *Listener) accept(listener net.Listener) {
	for {
		nc, err := listener.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		if l.listener != listener { // it was stopped meanwhile
			nc.Close()
		} else {
			l.conns[nc] = true
			l.running.Go(func() {
				l.serve(nc)
				nc.Close()
				l.mu.Lock()
				defer l.mu.Unlock()
				delete(l.conns, nc)
			})
		}
		l.mu.Unlock()
	}
}
