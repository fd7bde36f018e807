package cas

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/naming"
)

// A layout defines how records become items.
type layout interface {
	// name returns the name of the item for key. ok is false if key cannot be one.
	name(key string) (name string, ok bool)
	// encode returns the value for rec, which follows the version rec.Version, and the new version.
	encode(rec driver.Record) (value []byte, version uint64, err error)
	// decode returns the record in a value. Its Data is part of value.
	decode(value []byte) (driver.Record, error)
}

// records is the layout of this project: the value is the record in its binary form.
type records struct {
	form   Form
	prefix string
}

// name returns false for keys that cannot be storage keys. They are never sent.
func (r records) name(key string) (string, bool) {
	return r.prefix + key, len(r.prefix)+len(key) <= r.form.MaxName && naming.ValidKey(key)
}

func (records) encode(rec driver.Record) ([]byte, uint64, error) {
	rec.Version++
	value, err := rec.AppendBinary(nil)
	return value, rec.Version, err
}

func (r records) decode(value []byte) (rec driver.Record, err error) {
	if err := rec.UnmarshalBinary(value); err != nil {
		return rec, r.form.wrap(err)
	}
	return rec, nil
}

// maxNamespace is the maximum length of an escaped namespace. A longer one is hashed.
const maxNamespace = 128

// Prefix returns the prefix of all names of a namespace: letters, digits, -, _, % and ~, then a colon. It is different for
// every namespace.
func Prefix(namespace string) string {
	name := naming.Namespace(namespace)
	if len(name) > maxNamespace {
		sum := sha256.Sum256([]byte(namespace))
		name = "~" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return name + ":"
}

// beego is the layout of beego's providers: the bare sid is the name, and the value is the gob map of the session's values,
// or empty if there are none. beego's applications can work on the same sessions at the same time.
//
// The layout has no version. The backend uses the SHA-1 of the values instead, so that a save can compare what it has read
// with what is stored. It does not notice a change back to the same values, which does no harm. The layout also has no
// place for the user, the login time, the start time and the absolute deadline: they are lost.
type beego struct {
	form     Form
	lifetime time.Duration
}

// name accepts the sids that are printable and contain no space.
func (b beego) name(sid string) (string, bool) {
	for i := range len(sid) {
		if sid[i] <= ' ' || sid[i] >= 0x7f {
			return "", false
		}
	}
	return sid, sid != "" && len(sid) <= b.form.MaxName
}

func (beego) encode(rec driver.Record) ([]byte, uint64, error) {
	return rec.Data, fingerprint(rec.Data), nil
}

// decode returns a record that expires so soon that each request moves the deadline, as in beego. The engine reveals the
// real deadline to nobody.
func (b beego) decode(value []byte) (driver.Record, error) {
	rec := driver.Record{Version: fingerprint(value), Data: value, Expires: time.Now().Add(b.lifetime / 4)}
	if len(value) == 0 {
		rec.Data = nil
	}
	return rec, nil
}

// fingerprint returns the version for values. It is never 0.
func fingerprint(values []byte) uint64 {
	sum := sha1.Sum(values)
	return binary.BigEndian.Uint64(sum[:]) | 1
}
