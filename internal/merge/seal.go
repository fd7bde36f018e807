package merge

import (
	"encoding/binary"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/millis"
	"github.com/seed1a8f7c28/session/internal/sealing"
)

// With encryption a record's Data is
//
//	0  1  envelope version, 4
//	1  1  codec
//	2     the values, sealed
//
// and Meta is sealed, too, unless it is empty; User and Alias are the names as [sealing.Names] encrypts them. The seals bind
// what they are around to the rest of the record as it is stored, so that no record can take another's place, and none a
// part of another's: see about. Version and Expires alone are bound to nothing, since scripts and touches move them.
//
// Version 3 is read, and sealed anew with the next save: its seal covers the first two bytes and the storage key alone, and its
// Meta is empty.
const (
	sealVersion    = 4
	oldSealVersion = 3
	sealHeader     = 2
)

// A Seal encrypts what a manager stores, and binds it together.
type Seal struct {
	Box       *sealing.Box   // for values and metadata
	Names     *sealing.Names // of the same keys, for users and aliases
	Namespace string         // what is sealed for one is nothing in another
}

// open returns the values in the record under key, unchecked, and puts rec's Alias and Meta into the clear. What does not open is
// as good as absent: it was stored before encryption began, under a key that is not used any more, or by somebody who has none.
func (s *Seal) open(key string, rec *driver.Record) (c Contents, err error) {
	if len(rec.Data) < sealHeader || rec.Data[0] != sealVersion && rec.Data[0] != oldSealVersion {
		return c, fmt.Errorf("%w: stored without encryption", driver.ErrNotFound)
	}
	head, sealed := rec.Data[:sealHeader], rec.Data[sealHeader:]
	about, first := s.about(head, key, rec, rec.Meta), false
	if head[0] == oldSealVersion {
		about = append(append(about[:0], head...), key...)
	}
	if c.Values, first, err = s.Box.Open(nil, sealed, about); err != nil {
		return c, errNotOpen
	}
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

// metaHead stands in front of what the seal of a Meta is bound to, in the place of Data's first two bytes.
var metaHead = []byte{sealVersion, 0}

// OpenMeta puts Alias and Meta of a record into the clear, which needs no Data. What does not open is [driver.ErrNotFound].
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

// seal seals p, and rec's names and Meta, which are in the clear, but for a User that is sealed already.
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
	rec.Data = s.Box.Seal(data, p.Values, s.about(data, key, rec, rec.Meta))
}

// about returns what a seal binds to what is in it:
//
//	2     the first bytes of Data, of which one tells the seals of Data and Meta apart
//	8     created
//	8     auth time
//	8     deadline, all in ms since 1970, 0 for none
//	      namespace, storage key, User, Alias and Meta, all as stored and each behind four bytes of length
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

// name returns the name that a stored one stands for, and whether it is one.
func (s *Seal) name(stored string) (name string, ok bool) {
	if stored == "" {
		return "", true
	}
	name, err := s.Names.Open(stored, s.Namespace)
	return name, err == nil
}

// resealed returns a stored name under the first key.
func (s *Seal) resealed(stored string) string {
	name, ok := s.name(stored)
	if !ok || name == "" { // then the record would not have been opened
		return stored
	}
	return s.Names.Seal(name, s.Namespace)[0]
}

// StoredNames returns what stands for the name of a user in the store: what new sessions get, and then what sessions have that
// were sealed under an older key. Without encryption it is the name.
func (e *Envelope) StoredNames(user string) []string {
	if e.Seal == nil || user == "" {
		return []string{user}
	}
	return e.Seal.Names.Seal(user, e.Seal.Namespace)
}

// Name is the opposite of StoredNames. A name that does not open is "": then the record does not either.
func (e *Envelope) Name(stored string) string {
	if e.Seal == nil {
		return stored
	}
	name, _ := e.Seal.name(stored)
	return name
}
