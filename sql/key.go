package sql

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
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

// id returns what stands for key in the table: in beego's, the key itself.
func (s *store) id(key string) []byte {
	if s.beego {
		return []byte(key)
	}
	return idOf(key)
}

// key returns the key of a row. PostgreSQL fills up beego's keys with spaces.
func (s *store) key(id []byte) string {
	if s.beego {
		return strings.TrimRight(string(id), " ")
	}
	return keyOf(id)
}

// first returns the version of a new record, and next the one after a save.
func (s *store) first(rec *driver.Record) uint64 {
	if s.beego {
		return beegoVersion(rec.Data)
	}
	return 1
}

func (s *store) next(rec *driver.Record) uint64 {
	if s.beego {
		return beegoVersion(rec.Data)
	}
	return rec.Version + 1
}

// idArg returns id as a parameter: beego's keys are text, which a comparison with bytes would not find in the index.
func (s *store) idArg(id []byte) any {
	if s.beego {
		return string(id)
	}
	return id
}

// userLock returns what those who limit user on this table lock. It is no row's key.
func (s *store) userLock(user string) []byte {
	sum := sha256.Sum256([]byte("lock\x00" + s.table + "\x00" + s.namespace + "\x00" + user))
	return sum[:]
}
