package memcache

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/seed1a8f7c28/session/internal/naming"
)

const (
	// maxName is memcached's limit for a key.
	maxName = 250
	// maxNamespace is the maximum length of an escaped namespace. A longer one is hashed.
	maxNamespace = 128
)

// prefix returns the prefix of all item names of a namespace: letters, digits, -, _, % and ~, then a colon. It is different
// for every namespace.
func prefix(namespace string) string { return escape(namespace) + ":" }

// escape returns a namespace in the form that item names contain.
func escape(namespace string) string {
	name := naming.Namespace(namespace)
	if len(name) > maxNamespace {
		sum := sha256.Sum256([]byte(namespace))
		return "~" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return name
}

// validKey reports whether key can be a storage key after prefix. Other keys are never sent to the server.
func validKey(prefix, key string) bool {
	return len(prefix)+len(key) <= maxName && naming.ValidKey(key)
}

// validSID reports whether sid can be an item name by itself.
func validSID(sid string) bool {
	for i := range len(sid) {
		if sid[i] <= ' ' || sid[i] >= 0x7f {
			return false
		}
	}
	return sid != "" && len(sid) <= maxName
}
