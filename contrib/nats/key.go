package nats

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/seed1a8f7c28/session/internal/naming"
)

// keys makes the subjects of one namespace. Their tokens are the bucket, the namespace, a letter for the kind of the entry,
// and what the entry is about.
type keys struct{ prefix string }

func keysOf(bucket, namespace string) keys {
	return keys{"$KV." + bucket + "." + tokenOf(namespace) + "."}
}

// tokenOf returns a namespace as one token of a subject. A key of a bucket cannot contain the percent sign.
func tokenOf(namespace string) string {
	return strings.ReplaceAll(naming.Namespace(namespace), "%", "=")
}

// session returns the subject of a session, or of the mark in its place.
func (k keys) session(key string) string { return k.prefix + "s." + key }

// sessions returns the pattern that matches all sessions and marks.
func (k keys) sessions() string { return k.session("*") }

// key returns the storage key of a session's subject, or of that of its removal.
func (k keys) key(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// removal returns the subject that tells watchers of the removal of a session.
func (k keys) removal(key string) string { return k.prefix + "e." + key }

// cleared returns the subject that tells watchers that everything was removed.
func (k keys) cleared() string { return k.prefix + "c" }

// barrier returns the subject of an entry without a meaning.
func (k keys) barrier() string { return k.prefix + "b" }

// index returns the subject of an index.
func (k keys) index(x index) string {
	sum := sha256.Sum256([]byte(x.name))
	return k.prefix + x.letter + "." + base64.RawURLEncoding.EncodeToString(sum[:])
}

// indexes returns the patterns that match all indexes.
func (k keys) indexes() []string { return []string{k.prefix + "u.*", k.prefix + "a.*"} }

// valid reports whether key can be a storage key. Other keys are never sent.
func valid(key string) bool { return len(key) <= maxKey && naming.ValidKey(key) }

func validBucket(name string) bool { return naming.ValidKey(name) }

// maxKey is an upper limit well above the 43 characters of a storage key.
const maxKey = 256

var errKey = errors.New("session/nats: a storage key must consist of letters, digits, - and _")
