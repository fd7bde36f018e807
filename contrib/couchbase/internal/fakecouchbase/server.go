// Package fakecouchbase is a fake: it plays the key-value service of a Couchbase Server for tests, as far as a client
// such as gocb needs it. No real server was available when it was written, so nothing here has been compared with one.
//
// It follows the documents in the docs folder of github.com/couchbase/kv_engine: BinaryProtocol.md (packets, commands,
// frames), sasl.md, Collections.md, ErrorMap.md, Document.md and DocumentSizeLimits.md. SCRAM follows RFC 5802. The
// documents leave some answers open: which status an overlong key gets, what a touch does to the CAS value, when exactly
// an item expires. There the fake does what the sources of kv_engine do.
//
// What differs from a server:
//   - There is one node, one bucket, one user, and the default collection only.
//   - Items are in memory. They outlive [Server.Stop], and nothing evicts them.
//   - All vbuckets share their keys. Whether a key belongs to the vbucket of a request is not checked.
//   - The commands of a connection run in order. The cluster map never changes.
//   - Locks, counters, sub-documents, metadata, quiet commands, DCP and whatever else is missing get status 0x81.
//   - TLS, HTTP, compression and extended attributes are missing, too. HELLO does not agree to them.
//   - Every client is taken to understand extended errors, whether or not it asked for them.
package fakecouchbase

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Options describe the bucket and its user. All but Admin must be set.
type Options struct {
	Bucket   string // the one bucket that there is
	Username string // of the one user
	Password string // may contain any bytes

	// Admin lets the user see every bucket. To select one that does not exist then fails with KEY_ENOENT.
	// Other users have a role for Bucket alone and get EACCESS, because they may not learn which buckets exist.
	Admin bool
}

// A Server is a fake Couchbase node. Its methods may be called from any goroutine, but [Server.Restart] fails the test if
// the port is taken, so it belongs in the goroutine of the test.
type Server struct {
	// Addr is the host and port of the key-value service. It stays the same after a restart.
	Addr string

	t       testing.TB
	options Options
	scram   scramKeys
	maps    clusterMaps
	store   store
	faults  faults

	requests atomic.Int64

	lifecycle sync.Mutex // held while the server stops or restarts
	running   sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
}

// Start listens on a free port of 127.0.0.1. The server ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Bucket == "" || o.Username == "" || o.Password == "" {
		t.Fatal("fakecouchbase: Options need a bucket, a user and a password")
	}
	s := &Server{Addr: "127.0.0.1:0", t: t, options: o, conns: map[net.Conn]bool{}}
	s.scram.password = o.Password
	s.store.items = map[string]item{}
	s.listen()
	s.Addr = s.listener.Addr().String()
	s.maps = newClusterMaps(o.Bucket, s.listener.Addr().(*net.TCPAddr).Port)
	t.Cleanup(s.Stop)
	return s
}

// URL is the connection string for gocb. It names the port, so that gocb asks neither DNS nor HTTP for nodes.
func (s *Server) URL() string {
	return "couchbase://" + s.Addr
}

// Requests returns the number of requests for items so far: GET and the mutations, also those that failed.
func (s *Server) Requests() int { return int(s.requests.Load()) }

// Stop closes the port and all connections, and waits until no command runs any more. The data stays.
func (s *Server) Stop() {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	s.stop()
}

func (s *Server) stop() {
	s.mu.Lock()
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
	for nc := range s.conns {
		nc.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Restart stops the server, if it runs, and listens at the same address again. Items and the clock of the CAS values
// are kept, so no CAS value is given out twice.
func (s *Server) Restart() {
	s.t.Helper()
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	s.stop()
	s.listen()
}

// listen waits a while for the port: the kernel may lend it to an outgoing connection while the server is stopped.
func (s *Server) listen() {
	s.t.Helper()
	var l net.Listener
	var err error
	for range 50 {
		if l, err = new(net.ListenConfig).Listen(context.Background(), "tcp", s.Addr); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		s.t.Fatalf("fakecouchbase: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = l
	s.running.Go(func() { s.accept(l) })
}

func (s *Server) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		if !s.admit(l, nc) {
			nc.Close()
			return
		}
	}
}

// admit serves a connection, unless its listener was closed while it was accepted.
func (s *Server) admit(l net.Listener, nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != l {
		return false
	}
	s.conns[nc] = true
	s.running.Go(func() {
		newConnection(s, nc).serve()
		nc.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, nc)
	})
	return true
}

// Item returns the value and the expiry of an item. An item that never expires has the zero Time.
// ok is false if there is no such item or if it has expired.
func (s *Server) Item(id string) (value []byte, expiry time.Time, ok bool) {
	it, ok := s.store.get(id)
	if !ok {
		return nil, time.Time{}, false
	}
	if it.expires != 0 {
		expiry = time.Unix(it.expires, 0)
	}
	return append([]byte{}, it.value...), expiry, true
}

// Set writes an item as go-couchbase's SetRaw would: these bytes, flags 0, whatever was there before.
// A zero expiry means never. Fractions of a second are cut off, because the protocol counts in seconds.
func (s *Server) Set(id string, value []byte, expiry time.Time) {
	it := item{value: append([]byte{}, value...)}
	if !expiry.IsZero() {
		it.expires = expiry.Unix()
	}
	s.store.write(id, it, write{mode: upsert})
}
