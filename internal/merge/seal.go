package merge

import (
	"encoding/binary"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/millis"
	"github.com/seed1a8f7c28/session/internal/sealing"
)

// With encryption a record's Data is
//
//	0  1  envelope version, 4
//	1  1  codec
//	2     the values, sealed
//
// and Meta is sealed too, unless it is empty. User and Alias are encrypted by [sealing.Names]. Each seal is bound to the
// rest of the record as it is stored, so that a record cannot replace another one, and no part of a record can replace
// another record's: see about. Only Version and Expires are not covered, because scripts and touches change them.
//
// Version 3 is still read, and sealed in the new form with the next save. Its seal covers only the first two bytes and the
// storage key, and its Meta is empty.
const (
	sealVersion    = 4
	oldSealVersion = 3
	sealHeader     = 2
)

// A Seal encrypts what a manager stores and binds its parts together.
type Seal struct {
	Box       *sealing.Box   // for values and metadata
	Names     *sealing.Names // with the same secrets, for users and aliases
	Namespace string         // a value sealed for one namespace does not open in another
}

// open returns the values in the record under key, without checking them, and decrypts rec's Alias and Meta. A record that
// does not open is treated as absent: it was stored before encryption was turned on, under a key that is no longer used, or
// by somebody without a key.
func (s *Seal) open(key string, rec *driver.Record) (c Contents, err error) {
	if len(rec.Data) < sealHeader || rec.Data[0] != sealVersion && rec.Data[0] != oldSealVersion {
		return c, fmt.Errorf("%w: stored without encryption", driver.ErrNotFound)
	}
	head, sealed := rec.Data[:sealHeader], rec.Data[sealHeader:]
	about := s.about(head, key, rec, rec.Meta)
	if head[0] == oldSealVersion {
		about = append(append(about[:0], head...), key...)
	}
	values, first, err := s.Box.Open(nil, sealed, about)
	if err != nil {
		return c, errNotOpen
	}
	c.Values = codec.Frozen(values)
	if c.Stale = !first; head[0] == oldSealVersion {
		c.Stale = true
		if _, ok := s.name(rec.User); !ok || rec.Alias != "" || len(rec.Meta) > 0 {
			return c, errNotOpen
		}
	}
	if err := s.OpenMeta(key, rec); err != nil {
		return c, err
	}
	c.Codec, err = codecOf(head[1])
	return c, err
}

var errNotOpen = fmt.Errorf("%w: encrypted under an unknown key, or altered", driver.ErrNotFound)

// metaHead replaces the first two bytes of Data in what the seal of a Meta covers.
var metaHead = []byte{sealVersion, 0}

// OpenMeta decrypts Alias and Meta of a record, without using its Data. If they do not open, the error is
// [driver.ErrNotFound].
func (s *Seal) OpenMeta(key string, rec *driver.Record) error {
	if len(rec.Meta) > 0 {
		meta, _, err := s.Box.Open(nil, rec.Meta, s.about(metaHead, key, rec, nil))
		if err != nil {
			return errNotOpen
		}
		rec.Meta = meta
	}
	alias, ok := s.name(rec.Alias)
	if !ok {
		return errNotOpen
	}
	rec.Alias = alias
	return nil
}

// seal seals p, and rec's names and Meta, which are unencrypted, except a User that is sealed already.
func (s *Seal) seal(key string, rec *driver.Record, p *Payload) {
	if p.Stale {
		rec.User = s.resealed(rec.User)
	}
	if rec.Alias != "" {
		rec.Alias = s.Names.Seal(rec.Alias, s.Namespace)[0]
	}
	if len(rec.Meta) > 0 {
		rec.Meta = s.Box.Seal(nil, rec.Meta, s.about(metaHead, key, rec, nil))
	}
	data := make([]byte, sealHeader, sealHeader+len(p.Values)+sealing.Overhead)
	data[0], data[1] = sealVersion, p.Codec.ID()
	rec.Data = s.Box.Seal(data, p.Buf, s.about(data, key, rec, rec.Meta))
}

// about returns the additional data of a seal:
//
//	2     the first two bytes of Data; one of them differs for the seal of Meta
//	8     created
//	8     auth time
//	8     deadline, all in ms since 1970, 0 for none
//	      namespace, storage key, User, Alias and Meta, all as stored and each preceded by its length in four bytes
func (s *Seal) about(head []byte, key string, rec *driver.Record, meta []byte) []byte {
	const fixed = sealHeader + 3*8 + 5*4
	b := make([]byte, 0, fixed+len(s.Namespace)+len(key)+len(rec.User)+len(rec.Alias)+len(meta))
	b = append(b, head[:sealHeader]...)
	for _, ms := range [...]int64{millis.Of(rec.Created), millis.Of(rec.AuthTime), millis.Of(rec.Deadline)} {
		b = binary.BigEndian.AppendUint64(b, uint64(ms))
	}
	for _, text := range [...]string{s.Namespace, key, rec.User, rec.Alias} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(len(meta))), meta...)
}

// name decrypts a stored name. ok is false if it does not open.
func (s *Seal) name(stored string) (name string, ok bool) {
	if stored == "" {
		return "", true
	}
	name, err := s.Names.Open(stored, s.Namespace)
	return name, err == nil
}

// resealed returns a stored name encrypted under the first key.
func (s *Seal) resealed(stored string) string {
	name, ok := s.name(stored)
	if !ok || name == "" { // cannot happen: the record would not have been opened
		return stored
	}
	return s.Names.Seal(name, s.Namespace)[0]
}

// StoredNames returns the stored forms of a user's name: first the form that new sessions get, then those of sessions that
// were sealed under older keys. Without encryption there is one form, the name itself.
func (e *Envelope) StoredNames(user string) []string {
	if e.Seal == nil || user == "" {
		return []string{user}
	}
	return e.Seal.Names.Seal(user, e.Seal.Namespace)
}

// Name is the reverse of StoredNames. It returns "" for a name that does not open; its record then does not open either.
func (e *Envelope) Name(stored string) string {
	if e.Seal == nil {
		return stored
	}
	name, _ := e.Seal.name(stored)
	return name
}
