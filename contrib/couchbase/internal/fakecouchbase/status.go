package fakecouchbase

import (
	"encoding/json"
	"strconv"
)

// A status is the result of a command. status.h of kv_engine lists them all.
type status uint16

const (
	success           status = 0x00
	keyNotFound       status = 0x01
	keyExists         status = 0x02 // also: another CAS value
	tooBig            status = 0x03
	invalid           status = 0x04
	notMyVbucket      status = 0x07
	noBucket          status = 0x08
	authError         status = 0x20
	authContinue      status = 0x21
	noAccess          status = 0x24
	unknownFrame      status = 0x80
	unknownCommand    status = 0x81
	notSupported      status = 0x83
	unknownCollection status = 0x88
	unknownScope      status = 0x8c
	invalidDurability status = 0xa0
)

// failure reports a status and, for whoever debugs the client, why.
func failure(s status, context string) response {
	if context == "" {
		return response{status: s}
	}
	value := encode(map[string]any{"error": map[string]string{"context": context}})
	return response{status: s, value: value, datatype: datatypeJSON}
}

// An errorKind is one entry of the error map. Clients read the attributes to decide whether to try again.
type errorKind struct {
	Name  string   `json:"name"`
	Desc  string   `json:"desc"`
	Attrs []string `json:"attrs"`
}

func kind(name, desc string, attrs ...string) errorKind {
	return errorKind{name, desc, attrs}
}

// errorKinds are those entries of a server's map that this package answers or that [Server.Fail] is likely to be asked
// for. Names and attributes are the server's.
var errorKinds = map[status]errorKind{
	success:           kind("SUCCESS", "done", "success"),
	keyNotFound:       kind("KEY_ENOENT", "no such key", "item-only"),
	keyExists:         kind("KEY_EEXISTS", "the key exists, or has another CAS value", "item-only"),
	tooBig:            kind("E2BIG", "the value is too long", "item-only", "invalid-input"),
	invalid:           kind("EINVAL", "the packet breaks a rule", "internal", "invalid-input"),
	0x05:              kind("NOT_STORED", "the item was not stored", "internal", "item-only"),
	notMyVbucket:      kind("NOT_MY_VBUCKET", "another node has this vbucket", "fetch-config", "invalid-input"),
	noBucket:          kind("NO_BUCKET", "no bucket is selected", "conn-state-invalidated"),
	0x09:              kind("LOCKED", "the item is locked", "item-locked", "item-only", "retry-now"),
	0x1f:              kind("AUTH_STALE", "authenticate again", "conn-state-invalidated", "auth"),
	authError:         kind("AUTH_ERROR", "authentication failed", "conn-state-invalidated", "auth"),
	authContinue:      kind("AUTH_CONTINUE", "authentication has another step", "special-handling"),
	noAccess:          kind("EACCESS", "the user may not do this", "support"),
	unknownFrame:      kind("UNKNOWN_FRAME_INFO", "unknown frame", "support"),
	unknownCommand:    kind("UNKNOWN_COMMAND", "unknown command", "support"),
	0x82:              kind("ENOMEM", "out of memory", "temp", "retry-later"),
	notSupported:      kind("NOT_SUPPORTED", "this bucket cannot do this", "support"),
	0x84:              kind("EINTERNAL", "internal error", "internal", "conn-state-invalidated"),
	0x85:              kind("EBUSY", "busy", "temp", "retry-now"),
	0x86:              kind("ETMPFAIL", "temporary failure", "temp", "retry-now"),
	unknownCollection: kind("UNKNOWN_COLLECTION", "no such collection", "invalid-input"),
	unknownScope:      kind("UNKNOWN_SCOPE", "no such scope", "invalid-input"),
	invalidDurability: kind("DurabilityInvalidLevel", "unknown durability level", "invalid-input"),
	0xa1:              kind("DurabilityImpossible", "too few replicas", "item-only", "invalid-input"),
	0xa2:              kind("SyncWriteInProgress", "another durable write is under way", "item-only", "retry-later"),
	0xa3:              kind("SyncWriteAmbiguous", "a durable write may or may not succeed yet", "item-only"),
	0xa4:              kind("SyncWriteReCommitInProgress", "a durable write is made again", "item-only", "retry-later"),
}

// errorMap is the JSON for GET_ERROR_MAP. None of the attributes used needs version 2, so a client of either version
// can be given the same entries.
func errorMap(version int) []byte {
	codes := map[string]errorKind{}
	for s, k := range errorKinds {
		codes[strconv.FormatUint(uint64(s), 16)] = k
	}
	return encode(map[string]any{"version": version, "revision": 1, "errors": codes})
}

// encode is json.Marshal for values that always can be encoded.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
