package redis

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/seed1a8f7c28/session/internal/naming"
)

// keys makes the names of one namespace. Every name begins with the escaped namespace and a colon. An escaped namespace
// contains no colon, so no namespace's names are a prefix of another's. It also contains no character that has a meaning in
// SCAN patterns or hash tags.
type keys struct{ prefix string }

func keysOf(namespace string) keys { return keys{naming.Namespace(namespace) + ":"} }

// session returns the name of a session's string. The braces make the key its hash tag.
func (k keys) session(key string) string { return k.prefix + "{" + key + "}" }

// sessions returns the pattern that matches only the names of sessions.
func (k keys) sessions() string { return k.prefix + "{*}" }

// all returns the pattern that matches every name of the namespace.
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
	var hash [43]byte
	base64.RawURLEncoding.Encode(hash[:], sum[:])
	return k.prefix + x.letter + ":{" + string(hash[:]) + "}"
}

// channel returns the channel on which the keys of removed sessions are published.
func (k keys) channel() string { return k.prefix + "gone" }

// valid reports whether key can be a storage key. Other keys are never sent in a command.
func valid(key string) bool { return len(key) <= maxKey && naming.ValidKey(key) }

// maxKey is an upper limit well above the 43 characters of a storage key.
const maxKey = 256
