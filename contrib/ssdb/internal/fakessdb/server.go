// Package fakessdb is a fake SSDB server for tests. It is not SSDB, and no real server was available to compare it with.
//
// It follows the source of SSDB 1.9.9 (github.com/ideawu/ssdb, commit f229ba2, which reports its version as 1.9.8) and the
// documentation of ssdb.io. Where the two differ, the source wins: keys may have 255 bytes, although the documentation says 200.
//
// What it follows:
//   - Both protocols on one port. A request that starts with '*' is Redis; any other is SSDB's own blocks.
//   - The status words of each command, and how the Redis side turns them into replies.
//   - Deadlines that only SETX, SETEX, EXPIRE and a deletion change. SET, SETNX, GETSET, INCR and MSET leave them alone.
//   - Expiry by a background loop that looks every 10 milliseconds. Nothing checks the deadline when a key is read.
//   - Strings, hashes and sorted sets as separate name spaces.
//
// What it leaves out:
//   - Lists, bits, ranges of sorted sets, replication, IP filters, key ranges and the read-only mode. A command of these fails
//     the test, so that nobody takes the refusal for SSDB's.
//   - Parallel reads. SSDB has one thread for writes and ten for reads; here all commands run one at a time.
//   - The disk. The data live as long as the [Server], through Stop and Restart.
package fakessdb

import (
	"bufio"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A Server is one fake server. Its methods may be called from any goroutine.
type Server struct {
	// Addr is the address that clients dial, host and port. It stays the same through Restart.
	Addr string

	t        testing.TB
	store    *store
	listener *servertest.Listener

	mu       sync.Mutex
	expiring func() // ends the loop that removes keys; nil while the server is stopped
	password string
	commands []string
}

// Start runs a server on a free port of 127.0.0.1 until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, store: newStore()}
	s.listener = servertest.Listen(t, s.serve)
	s.Addr = s.listener.Addr
	s.expire()
	t.Cleanup(s.Stop)
	return s
}

// expire removes keys that are due until the server is stopped.
func (s *Server) expire() {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.store.expire(quit)
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expiring = func() {
		close(quit)
		<-ended
	}
}

// serve answers the requests of one connection in order. A request that cannot be read ends the connection without an answer.
func (s *Server) serve(nc net.Conn) {
	// SSDB resets connections that it closes. A client sees "connection reset", not the end of a stream.
	nc.(*net.TCPConn).SetLinger(0)
	c := &conn{in: bufio.NewReader(nc)}
	for {
		req, err := c.read()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.commands = append(s.commands, c.name)
		s.mu.Unlock()
		if _, err := nc.Write(c.reply(s.answer(c, req))); err != nil {
			return
		}
	}
}

// Stop ends all connections and refuses new ones. The data stay, and keys that become due stay until Restart.
// Stopping twice does nothing.
func (s *Server) Stop() {
	s.listener.Stop()
	s.mu.Lock()
	end := s.expiring
	s.expiring = nil
	s.mu.Unlock()
	if end != nil {
		end()
	}
}

// Restart runs the server again on the same address with the data it had. It stops a server that still runs.
func (s *Server) Restart() {
	s.Stop()
	s.expire()
	s.listener.Start()
}

// SetPassword makes connections authenticate with password from now on. An empty password turns this off.
// Connections that have authenticated stay so. A real server does not start with a password of less than 32 bytes;
// the fake takes any.
func (s *Server) SetPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
}

// Commands lists the names of all commands received so far, in order. Names of the Redis protocol are in lower case and as the
// client sent them: "setex", not the "setx" that SSDB makes of it.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// TTL is what the command TTL answers: whole seconds, rounded down, or -1 if the key is missing or has no deadline.
func (s *Server) TTL(key string) int {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return int(s.store.ttl(key))
}

// Value is what the command GET answers. It reports false if the key is missing. A key that is overdue but not removed yet
// still has its value.
func (s *Server) Value(key string) (string, bool) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	value, found := s.store.values[key]
	return value, found
}

// Set stores a value that expires after seconds. Zero means never, and unlike the command SET it also drops a deadline that the
// key had. A key that SSDB could not hold fails the test.
func (s *Server) Set(key, value string, seconds int) {
	s.t.Helper()
	if key == "" || tooLong(key) {
		s.t.Errorf("fakessdb: a key has 1 to %d bytes, not %d", maxKey, len(key))
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.values[key] = value
	if seconds == 0 {
		s.store.forget(key)
	} else {
		s.store.expireIn(key, int64(seconds))
	}
}
