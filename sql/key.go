package sql

import (
	"crypto/sha256"
	"encoding/base64"
)

// strictKey decodes a storage key, and refuses other spellings of the same bytes.
var strictKey = base64.RawURLEncoding.Strict()

const (
	idLen  = sha256.Size
	keyLen = 43
)

// idOf returns the 32 bytes that stand for key in the table. A key that is no hash, which a Manager does not
// make, is hashed.
func idOf(key string) []byte {
	if len(key) == keyLen {
		var id [keyLen]byte
		// Line breaks, which the decoder skips, leave less than 32 bytes.
		if n, err := strictKey.Decode(id[:], []byte(key)); err == nil && n == idLen {
			return id[:idLen:idLen]
		}
	}
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// keyOf returns the key of a row.
func keyOf(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

// userLock returns what those who limit user on this table lock. It is no row's key.
func (s *store) userLock(user string) []byte {
	sum := sha256.Sum256([]byte("lock\x00" + s.table + "\x00" + s.namespace + "\x00" + user))
	return sum[:]
}
