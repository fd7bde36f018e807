package memcache

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	// maxName is memcached's limit.
	maxName = 250
	// maxNamespace is how long an escaped namespace may be; longer ones are hashed.
	maxNamespace = 128
	// unnamed is what names begin with where no namespace is set.
	unnamed = "session"
)

// prefix returns what the names of all items of a namespace begin with: letters, digits, -, _, % and ~, then a
// colon. No two namespaces have the same.
func prefix(namespace string) string { return escape(namespace) + ":" }

// escape returns a namespace in letters, digits, - and _; all else, and so the percent sign too, becomes %XX.
// The namespace "session" is escaped to be another than none.
func escape(namespace string) string {
	switch namespace {
	case "":
		return unnamed
	case unnamed:
		return fmt.Sprintf("%%%02X%s", unnamed[0], unnamed[1:])
	}
	var b strings.Builder
	for i := range len(namespace) {
		if c := namespace[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if b.Len() > maxNamespace {
		sum := sha256.Sum256([]byte(namespace))
		return "~" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return b.String()
}

// validKey reports whether key can be a storage key behind prefix. No other reaches the server.
func validKey(prefix, key string) bool {
	for i := range len(key) {
		if !plain(key[i]) {
			return false
		}
	}
	return key != "" && len(prefix)+len(key) <= maxName
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

// plain reports whether c is in the alphabet of base64url.
func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
