package fakecouchbase

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

const (
	maxKey   = 250
	maxValue = 20 << 20

	// vbucketUUID names the history that the sequence numbers belong to. It is the same in every vbucket.
	vbucketUUID = 0x0000fa4e0000fa4e
)

// A presence says whether a request has a part.
type presence int

const (
	never presence = iota
	maybe
	always
)

// A command is one that the fake knows, with what a request for it must look like.
type command struct {
	run        func(*connection, request) response
	extras     []int // the lengths allowed
	key, value presence
	cas        presence

	beforeAuth bool // allowed to everybody
	item       bool // about one item, which needs a bucket
	mutation   bool
	durable    bool // may have a durability frame
	keepExpiry bool // may have a preserve TTL frame
}

// The opcodes.
const (
	opGet             = 0x00
	opSet             = 0x01
	opAdd             = 0x02
	opReplace         = 0x03
	opDelete          = 0x04
	opNoop            = 0x0a
	opTouch           = 0x1c
	opGetAndTouch     = 0x1d
	opHello           = 0x1f
	opListMechanisms  = 0x20
	opSASLAuth        = 0x21
	opSASLStep        = 0x22
	opSelectBucket    = 0x89
	opClusterConfig   = 0xb5
	opGetCollectionID = 0xbb
	opErrorMap        = 0xfe
)

var commands = map[byte]command{
	opGet: {run: (*connection).get, extras: []int{0}, key: always, item: true},

	opSet: {
		run: (*connection).set, extras: []int{8}, key: always, value: maybe, cas: maybe,
		item: true, mutation: true, durable: true, keepExpiry: true,
	},
	opAdd: {
		run: (*connection).add, extras: []int{8}, key: always, value: maybe,
		item: true, mutation: true, durable: true,
	},
	opReplace: {
		run: (*connection).replace, extras: []int{8}, key: always, value: maybe, cas: maybe,
		item: true, mutation: true, durable: true, keepExpiry: true,
	},
	opDelete: {
		run: (*connection).remove, extras: []int{0}, key: always, cas: maybe,
		item: true, mutation: true, durable: true,
	},
	opTouch:       {run: (*connection).touch, extras: []int{4}, key: always, item: true, mutation: true},
	opGetAndTouch: {run: (*connection).getAndTouch, extras: []int{4}, key: always, item: true, mutation: true},

	opHello:          {run: (*connection).hello, extras: []int{0}, key: maybe, value: maybe, beforeAuth: true},
	opListMechanisms: {run: (*connection).listMechanisms, extras: []int{0}, beforeAuth: true},
	opSASLAuth:       {run: (*connection).saslAuth, extras: []int{0}, key: always, value: maybe, beforeAuth: true},
	opSASLStep:       {run: (*connection).saslStep, extras: []int{0}, key: always, value: maybe, beforeAuth: true},
	opErrorMap:       {run: (*connection).errorMap, extras: []int{0}, value: maybe, beforeAuth: true},

	opNoop:            {run: (*connection).noop, extras: []int{0}},
	opSelectBucket:    {run: (*connection).selectBucket, extras: []int{0}, key: maybe, cas: maybe},
	opClusterConfig:   {run: (*connection).clusterConfig, extras: []int{0, 16}},
	opGetCollectionID: {run: (*connection).collectionID, extras: []int{0}, key: maybe, value: maybe},
}

// check finds out whether a packet obeys the rules of its command. It leaves the item's own key in the request.
func (c *connection) check(cmd command, q *request) response {
	for _, check := range []func(command, *request) response{c.checkParts, c.checkFrames, c.checkItem} {
		if r := check(cmd, q); r.status != success {
			return r
		}
	}
	return response{}
}

func (c *connection) checkParts(cmd command, q *request) response {
	if !slices.Contains(cmd.extras, len(q.extras)) {
		return failure(invalid, fmt.Sprintf("the extras must have one of the lengths %v", cmd.extras))
	}
	parts := []struct {
		name string
		rule presence
		has  bool
	}{
		{"key", cmd.key, len(q.key) > 0},
		{"value", cmd.value, len(q.value) > 0},
		{"CAS", cmd.cas, q.cas != 0},
	}
	for _, p := range parts {
		if p.has && p.rule == never {
			return failure(invalid, "the request must not have a "+p.name)
		}
		if !p.has && p.rule == always {
			return failure(invalid, "the request must have a "+p.name)
		}
	}
	limit := maxKey
	if c.agreed[featureCollections] {
		limit++ // the default collection's ID takes one byte
	}
	if len(q.key) > limit {
		return failure(invalid, fmt.Sprintf("the key is longer than %d bytes", limit))
	}
	if q.datatype&^datatypeJSON != 0 || q.datatype != 0 && !c.agreed[featureJSON] {
		return failure(invalid, "data type not agreed to")
	}
	return response{}
}

// The frames of requests.
const (
	frameBarrier     = 0
	frameDurability  = 1
	framePreserveTTL = 5
)

func (c *connection) checkFrames(cmd command, q *request) response {
	list, ok := parseFrames(q.frames)
	if !ok {
		return failure(invalid, "malformed frames")
	}
	for _, f := range list {
		r := failure(unknownFrame, "")
		switch f.id {
		case frameBarrier: // commands never overlap here
			r = checkEmpty(f)
		case frameDurability:
			r = checkDurability(cmd, f)
		case framePreserveTTL:
			r = checkPreserveTTL(cmd, f)
			q.keepExpiry = true
		}
		if r.status != success {
			return r
		}
	}
	return response{}
}

func checkEmpty(f frame) response {
	if len(f.data) > 0 {
		return failure(invalid, "the frame must be empty")
	}
	return response{}
}

func checkPreserveTTL(cmd command, f frame) response {
	if r := checkEmpty(f); r.status != success {
		return r
	}
	if !cmd.keepExpiry {
		return failure(notSupported, "the command has no expiry to keep")
	}
	return response{}
}

// checkDurability accepts all three levels. Without replicas the majority is the active node, and that has the change as
// soon as it is made. So a write is never refused as impossible, nor is it ambiguous.
func checkDurability(cmd command, f frame) response {
	if len(f.data) != 1 && len(f.data) != 3 {
		return failure(invalid, "a durability frame has a level and perhaps a timeout")
	}
	if level := f.data[0]; level < 1 || level > 3 {
		return failure(invalidDurability, "")
	}
	if len(f.data) == 3 {
		if timeout := binary.BigEndian.Uint16(f.data[1:]); timeout == 0 || timeout == 0xffff {
			return failure(invalid, "reserved durability timeout")
		}
	}
	switch {
	case cmd.durable:
		return response{}
	case cmd.mutation:
		return failure(notSupported, "a touch cannot be durable")
	}
	return failure(invalid, "the command cannot be durable")
}

// checkItem removes the collection ID from the key.
func (c *connection) checkItem(cmd command, q *request) response {
	if !cmd.item {
		return response{}
	}
	if c.agreed[featureCollections] {
		id, key, ok := collectionID(q.key)
		if !ok || len(key) == 0 {
			return failure(invalid, "the key has no collection ID or nothing after it")
		}
		if id != 0 {
			return unknown(unknownCollection)
		}
		q.key = key
	}
	if !c.bucket {
		return failure(noBucket, "")
	}
	if q.vbucket >= vbuckets {
		return response{status: notMyVbucket, value: c.server.maps.bucket, datatype: datatypeJSON}
	}
	return response{}
}

func (c *connection) get(q request) response {
	it, ok := c.server.store.get(string(q.key))
	if !ok {
		return failure(keyNotFound, "")
	}
	return whole(it)
}

// whole answers with everything that a client may see of an item.
func whole(it item) response {
	r := response{cas: it.cas, extras: binary.BigEndian.AppendUint32(nil, it.flags), value: it.value}
	if it.json {
		r.datatype = datatypeJSON
	}
	return r
}

// set with a CAS value is a replace.
func (c *connection) set(q request) response     { return c.write(q, upsert) }
func (c *connection) add(q request) response     { return c.write(q, insert) }
func (c *connection) replace(q request) response { return c.write(q, replace) }

func (c *connection) write(q request, m mode) response {
	if len(q.value) > maxValue {
		return failure(tooBig, "")
	}
	it := item{
		value:   q.value,
		flags:   binary.BigEndian.Uint32(q.extras),
		expires: expiresAt(binary.BigEndian.Uint32(q.extras[4:]), time.Now().Unix()),
	}
	return c.changed(c.server.store.write(string(q.key), it, write{mode: m, cas: q.cas, keepExpiry: q.keepExpiry}))
}

func (c *connection) remove(q request) response {
	return c.changed(c.server.store.remove(string(q.key), q.cas))
}

// changed reports a change with its place in the history, if the client asked for that in HELLO.
func (c *connection) changed(it item, seqno uint64, s status) response {
	if s != success {
		return failure(s, "")
	}
	r := response{cas: it.cas}
	if c.agreed[featureMutationSeqno] {
		r.extras = binary.BigEndian.AppendUint64(nil, vbucketUUID)
		r.extras = binary.BigEndian.AppendUint64(r.extras, seqno)
	}
	return r
}

func (c *connection) touch(q request) response {
	it, s := c.touched(q)
	return response{status: s, cas: it.cas}
}

func (c *connection) getAndTouch(q request) response {
	it, s := c.touched(q)
	if s != success {
		return failure(s, "")
	}
	return whole(it)
}

func (c *connection) touched(q request) (item, status) {
	expires := expiresAt(binary.BigEndian.Uint32(q.extras), time.Now().Unix())
	return c.server.store.touch(string(q.key), expires)
}
