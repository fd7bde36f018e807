package fakecouchbase

import (
	"bufio"
	"encoding/binary"
	"net"
	"slices"
	"strings"
)

// The features of HELLO that the fake agrees to, if the client asks.
const (
	featureMutationSeqno = 0x04 // answers of mutations carry vbucket UUID and sequence number
	featureXerror        = 0x07 // statuses beyond those of memcached
	featureSelectBucket  = 0x08
	featureJSON          = 0x0b // the data type tells which values are JSON
	featureAltRequest    = 0x10 // requests may have frames
	featureSyncReplica   = 0x11 // durability frames
	featureCollections   = 0x12 // a collection ID comes before each key
	featurePreserveTTL   = 0x14
	featureKnownVersion  = 0x1d // GET_CLUSTER_CONFIG may name the version that the client has
)

var features = []uint16{
	featureMutationSeqno, featureXerror, featureSelectBucket, featureJSON, featureAltRequest,
	featureSyncReplica, featureCollections, featurePreserveTTL, featureKnownVersion,
}

// A connection answers the requests of one client, one after the other.
type connection struct {
	server *Server
	net    net.Conn
	reader *bufio.Reader

	authenticated bool
	bucket        bool // the bucket is selected
	exchange      *scramExchange
	agreed        map[uint16]bool
}

func newConnection(s *Server, nc net.Conn) *connection {
	return &connection{server: s, net: nc, reader: bufio.NewReader(nc)}
}

func (c *connection) serve() {
	for {
		q, err := readRequest(c.reader)
		if err != nil {
			return
		}
		r, ft := c.handle(q)
		switch ft {
		case dropped, lost:
			return
		case held:
			continue
		}
		if !c.agreed[featureJSON] {
			r.datatype = 0
		}
		if err := r.writeTo(c.net, q); err != nil {
			return
		}
	}
}

// handle checks a request in the order in which a server does, the user first, and runs it.
func (c *connection) handle(q request) (response, fate) {
	cmd, known := commands[q.opcode]
	if !c.authenticated && !cmd.beforeAuth {
		return failure(noAccess, ""), answered
	}
	if !known {
		return failure(unknownCommand, ""), answered
	}
	if r := c.check(cmd, &q); r.status != success {
		return r, answered
	}
	if !cmd.item {
		return cmd.run(c, q), answered
	}
	c.server.requests.Add(1)
	if s, ok := c.server.faults.nextFailure(); ok {
		return failure(s, ""), answered
	}
	ft := answered
	if cmd.mutation {
		ft = c.server.faults.nextFate()
	}
	if ft == lost {
		return response{}, lost
	}
	return cmd.run(c, q), ft
}

// hello agrees to features. Whatever an earlier HELLO agreed to is forgotten.
func (c *connection) hello(q request) response {
	if len(q.value)%2 != 0 {
		return failure(invalid, "features take two bytes each")
	}
	c.agreed = map[uint16]bool{}
	var r response
	for b := q.value; len(b) > 0; b = b[2:] {
		f := binary.BigEndian.Uint16(b)
		if slices.Contains(features, f) && !c.agreed[f] {
			c.agreed[f] = true
			r.value = binary.BigEndian.AppendUint16(r.value, f)
		}
	}
	return r
}

func (c *connection) listMechanisms(request) response {
	return response{value: []byte(mechanisms)}
}

func (c *connection) selectBucket(q request) response {
	switch name := string(q.key); {
	case name == "@no bucket@":
		c.bucket = false
	case name == c.server.options.Bucket:
		c.bucket = true
	case c.server.options.Admin:
		return failure(keyNotFound, "")
	default:
		return failure(noAccess, "")
	}
	return response{}
}

// clusterConfig sends the map of the bucket, or the one of the cluster while no bucket is selected. A client that names
// the version it has gets an empty answer if that is the newest.
func (c *connection) clusterConfig(q request) response {
	if len(q.extras) == 16 {
		epoch := int64(binary.BigEndian.Uint64(q.extras))
		revision := int64(binary.BigEndian.Uint64(q.extras[8:]))
		if epoch > mapEpoch || epoch == mapEpoch && revision >= mapRevision {
			return response{}
		}
	}
	if c.bucket {
		return response{value: c.server.maps.bucket, datatype: datatypeJSON}
	}
	return response{value: c.server.maps.global, datatype: datatypeJSON}
}

func (c *connection) errorMap(q request) response {
	if len(q.value) != 2 {
		return failure(invalid, "the version takes two bytes")
	}
	version := min(int(binary.BigEndian.Uint16(q.value)), 2)
	return response{value: errorMap(version), datatype: datatypeJSON}
}

func (c *connection) noop(request) response { return response{} }

// collectionID finds the default collection of the default scope. Either name may be left out of the path.
func (c *connection) collectionID(q request) response {
	path := string(q.value)
	if path == "" {
		path = string(q.key)
	}
	scope, name, ok := strings.Cut(path, ".")
	switch {
	case !ok || strings.Contains(name, "."):
		return failure(invalid, "the path is not scope.collection")
	case !c.bucket:
		return failure(noBucket, "")
	case scope != "" && scope != "_default":
		return unknown(unknownScope)
	case name != "" && name != "_default":
		return unknown(unknownCollection)
	}
	return response{extras: make([]byte, 12)} // manifest 0, collection 0
}

// unknown reports a missing scope or collection together with the manifest that was searched.
func unknown(s status) response {
	return response{status: s, value: encode(map[string]string{"manifest_uid": "0"}), datatype: datatypeJSON}
}
