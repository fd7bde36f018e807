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
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
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

// A Server is a fake Couchbase node. All methods may be called at any time, from any goroutine.
type Server struct {
	// Addr is the host and port of the key-value service. It stays the same after a restart.
	Addr string

	listener *servertest.Listener
	options  Options
	scram    scramKeys
	maps     clusterMaps
	store    store
	faults   faults
	requests atomic.Int64
}

// Start listens on a free port of 127.0.0.1. The server ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Bucket == "" || o.Username == "" || o.Password == "" {
		t.Fatal("fakecouchbase: Options need a bucket, a user and a password")
	}
	s := &Server{options: o}
	s.scram.password = o.Password
	s.store.items = map[string]item{}
	ready := make(chan struct{}) // closed when maps names the port
	s.listener = servertest.Listen(t, func(nc net.Conn) {
		<-ready
		newConnection(s, nc).serve()
	})
	s.Addr = s.listener.Addr
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	s.maps = newClusterMaps(o.Bucket, n)
	close(ready)
	return s
}

// URL is the connection string for gocb. It names the port, so that gocb asks neither DNS nor HTTP for nodes.
func (s *Server) URL() string {
	return "couchbase://" + s.Addr
}

// Requests returns the number of requests for items so far: GET and the mutations, also those that failed.
func (s *Server) Requests() int { return int(s.requests.Load()) }

// Stop closes the port and all connections, and waits until no command runs any more. The data stays.
func (s *Server) Stop() { s.listener.Stop() }

// Restart stops the server, if it runs, and listens at the same address again. Items and the clock of the CAS values
// are kept, so no CAS value is given out twice.
func (s *Server) Restart() {
	s.listener.Stop()
	s.listener.Start()
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
