package sql

import (
	"crypto/sha256"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/naming"
)

// idOf returns the 32 bytes that represent key in the table.
func idOf(key string) []byte { return naming.ID(key) }

// keyOf returns the key of a row.
func keyOf(id []byte) string { return naming.Key(id) }

// id returns the representation of key in the table. In beego's table it is the key itself.
func (s *store) id(key string) []byte {
	if s.beego {
		return []byte(key)
	}
	return idOf(key)
}

// key returns the key of a row. PostgreSQL pads beego's keys with spaces.
func (s *store) key(id []byte) string {
	if s.beego {
		return strings.TrimRight(string(id), " ")
	}
	return keyOf(id)
}

// first returns the version of a new record. next returns the version after a save.
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

// idArg returns id as a parameter. beego's keys are text; a comparison with bytes would not use the index.
func (s *store) idArg(id []byte) any {
	if s.beego {
		return string(id)
	}
	return id
}

// userLock returns the id that every Reserve for user on this table locks. It is no record's id.
func (s *store) userLock(user string) []byte {
	sum := sha256.Sum256([]byte("lock\x00" + s.table + "\x00" + s.namespace + "\x00" + user))
	return sum[:]
}
