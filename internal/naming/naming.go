// Package naming turns namespaces and storage keys into parts of the names of items in a key-value server.
package naming

import (
	"fmt"
	"strings"
)

// unnamed replaces an empty namespace.
const unnamed = "session"

// Namespace returns a namespace in letters, digits, - and _. Every other character, also the percent sign, becomes %XX. An
// empty namespace becomes "session", and the namespace "session" is escaped. So no two namespaces have the same name, and
// no name contains a character with a meaning in a pattern, a hash tag or a protocol.
func Namespace(namespace string) string {
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
	return b.String()
}

// ValidKey reports whether key can be a storage key: it is not empty and consists of base64url characters.
func ValidKey(key string) bool {
	for i := range len(key) {
		if !plain(key[i]) {
			return false
		}
	}
	return key != ""
}

// plain reports whether c is in the alphabet of base64url.
func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
