package naming

import (
	"crypto/sha256"
	"encoding/base64"
)

// strictKey decodes a storage key and rejects other spellings of the same bytes.
var strictKey = base64.RawURLEncoding.Strict()

const (
	// IDLen is the length of an ID, in bytes.
	IDLen  = sha256.Size
	keyLen = 43
)

// ID returns the bytes that represent a storage key in a store. A key that is not a hash, which a Manager never makes, is
// hashed.
func ID(key string) []byte {
	if len(key) == keyLen {
		var id [keyLen]byte
		// The decoder skips line breaks; then fewer than 32 bytes remain.
		if n, err := strictKey.Decode(id[:], []byte(key)); err == nil && n == IDLen {
			return id[:IDLen:IDLen]
		}
	}
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// Key returns the storage key that id represents.
func Key(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }
