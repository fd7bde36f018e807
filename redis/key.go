package redis

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/seed1a8f7c28/session/internal/naming"
)

// keys makes the names of one namespace. All of them begin with the namespace, escaped, and a colon: since no
// escaped namespace has a colon, none is the beginning of another's names. Nor has it a character that SCAN's
// patterns, or a hash tag, give a meaning to.
type keys struct{ prefix string }

func keysOf(namespace string) keys { return keys{naming.Namespace(namespace) + ":"} }

// session returns the name of a session's string. The braces are its hash tag.
func (k keys) session(key string) string { return k.prefix + "{" + key + "}" }

// sessions is the pattern that matches the names of sessions alone.
func (k keys) sessions() string { return k.prefix + "{*}" }

// all is the pattern that matches every name of the namespace.
func (k keys) all() string { return k.prefix + "*" }

// key returns the storage key of a session's name.
func (k keys) key(name string) (key string, ok bool) {
	if rest, ours := strings.CutPrefix(name, k.prefix+"{"); ours {
		key, ok = strings.CutSuffix(rest, "}")
	}
	return key, ok && valid(key)
}

// index returns the name of an index's sorted set.
func (k keys) index(x index) string {
	sum := sha256.Sum256([]byte(x.name))
	return k.prefix + x.letter + ":{" + base64.RawURLEncoding.EncodeToString(sum[:]) + "}"
}

// channel returns where the keys of removed sessions are published.
func (k keys) channel() string { return k.prefix + "gone" }

// valid reports whether key can be a storage key. No other reaches a command.
func valid(key string) bool { return len(key) <= maxKey && naming.ValidKey(key) }

// maxKey is well over the 43 characters of a storage key.
const maxKey = 256
