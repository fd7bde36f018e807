package memcache

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/seed1a8f7c28/session/internal/naming"
)

const (
	// maxName is memcached's limit.
	maxName = 250
	// maxNamespace is how long an escaped namespace may be; longer ones are hashed.
	maxNamespace = 128
)

// prefix returns what the names of all items of a namespace begin with: letters, digits, -, _, % and ~, then a
// colon. No two namespaces have the same.
func prefix(namespace string) string { return escape(namespace) + ":" }

// escape returns a namespace as it stands in names.
func escape(namespace string) string {
	name := naming.Namespace(namespace)
	if len(name) > maxNamespace {
		sum := sha256.Sum256([]byte(namespace))
		return "~" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return name
}

// validKey reports whether key can be a storage key behind prefix. No other reaches the server.
func validKey(prefix, key string) bool {
	return len(prefix)+len(key) <= maxName && naming.ValidKey(key)
}

// validSID reports whether sid can be a name by itself.
func validSID(sid string) bool {
	for i := range len(sid) {
		if sid[i] <= ' ' || sid[i] >= 0x7f {
			return false
		}
	}
	return sid != "" && len(sid) <= maxName
}
