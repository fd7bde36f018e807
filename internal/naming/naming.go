// Package naming writes namespaces and storage keys into the names that a key-value server keeps items under.
package naming

import (
	"fmt"
	"strings"
)

// unnamed is what names begin with where no namespace is set.
const unnamed = "session"

// Namespace returns a namespace in letters, digits, - and _; all else, and so the percent sign too, becomes %XX. No
// namespace is "session", and the namespace "session" is escaped to be another. So no two have the same name,
// and none has a character that a pattern, a hash tag or a protocol gives a meaning to.
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

// ValidKey reports whether key can be a storage key: of the alphabet of base64url, and not empty.
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
