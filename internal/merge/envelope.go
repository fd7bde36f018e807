package merge

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/sealing"
)

// A record's Data, outside beego mode, is an envelope around the values. It says which codec wrote them,
// and shows any change of them. Without encryption it is
//
//	0  1  envelope version, 1
//	1  1  codec
//	2  4  CRC-32C of the codec's byte and the values, big-endian
//	6     the values
//
// and empty Data is a session without values. With encryption it is always
//
//	0  1  envelope version, 3
//	1  1  codec
//	2     the values, sealed together with the first two bytes and the storage key, so that no record can
//	      take the place of another
//
// In beego mode Data is beego's gob map and nothing else. Version 2 is that of sessions in the client, which the root seals.
const (
	plainVersion     = 1
	plainHeader      = 6
	encryptedVersion = 3
	encryptedHeader  = 2
)

// An Envelope is how a manager packs the values of its sessions.
type Envelope struct {
	Codec      codec.Codec  // of what is stored from now on
	Encryption *sealing.Box // nil without
	Beego      bool
	MaxBytes   int       // of values
	Lifetimes  Lifetimes // of the sessions
}

// A payload is Data, and what is in it.
type payload struct {
	data, values []byte
	life         Lifetime
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Open checks the Data of the record under key and returns the values in it and their codec. What encryption does not open
// is [driver.ErrNotFound]; other damage is [driver.ErrCorrupt].
func (e *Envelope) Open(key string, data []byte) (codec.Codec, []byte, error) {
	switch {
	case e.Encryption != nil:
		return e.decrypt(key, data)
	case len(data) == 0:
		return e.Codec, nil, nil
	case e.Beego:
		return e.Codec, data, e.Codec.Check(data)
	case len(data) < plainHeader || data[0] != plainVersion:
		return nil, nil, fmt.Errorf("%w: unknown envelope", driver.ErrCorrupt)
	case binary.BigEndian.Uint32(data[2:]) != dataSum(data):
		return nil, nil, fmt.Errorf("%w: checksum", driver.ErrCorrupt)
	}
	return e.checked(data[1], data[plainHeader:])
}

// decrypt is Open with encryption. What does not open is as good as absent: it was stored before encryption began, under a
// key that is not used any more, or by somebody who has none.
func (e *Envelope) decrypt(key string, data []byte) (codec.Codec, []byte, error) {
	if len(data) < encryptedHeader || data[0] != encryptedVersion {
		return nil, nil, fmt.Errorf("%w: stored without encryption", driver.ErrNotFound)
	}
	values, err := e.Encryption.Open(nil, data[encryptedHeader:], about(data, key))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: encrypted under an unknown key, or altered", driver.ErrNotFound)
	}
	return e.checked(data[1], values)
}

// about is what the seal binds the values to.
func about(data []byte, key string) []byte {
	return append(append(make([]byte, 0, 64), data[:encryptedHeader]...), key...)
}

// checked returns the codec of this id, if values are in its format.
func (e *Envelope) checked(id byte, values []byte) (codec.Codec, []byte, error) {
	if id == e.Codec.ID() {
		return e.Codec, values, e.Codec.Check(values)
	}
	c, ok := codec.ByID(id)
	if !ok {
		return nil, nil, fmt.Errorf("%w: unknown codec", driver.ErrCorrupt)
	}
	return c, values, c.Check(values)
}

// Apply returns values, which are codec c's, with the changes made, in the envelope's codec and within its limit, behind head
// zero bytes for the caller to fill.
func (e *Envelope) Apply(head int, c codec.Codec, values []byte, changes Changes) ([]byte, error) {
	changed, err := apply(e.Codec, head, c, values, changes)
	if err != nil {
		return nil, err
	}
	if n := len(changed) - head; n > e.MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes of values, %d allowed (maxBytes)", driver.ErrTooLarge, n, e.MaxBytes)
	}
	return changed, nil
}

func apply(to codec.Codec, head int, from codec.Codec, values []byte, changes Changes) (_ []byte, err error) {
	switch {
	case changes.Flush:
		values = nil
	case from.ID() != to.ID():
		if values, err = codec.Transcode(from, to, values); err != nil {
			return nil, err
		}
	}
	return to.Apply(head, values, changes.list)
}

// changed returns what is to be stored under key: values, which are codec c's, with the changes made.
func (e *Envelope) changed(key string, c codec.Codec, values []byte, changes Changes) (p payload, err error) {
	head := 0
	if e.Encryption == nil && !e.Beego {
		head = plainHeader
	}
	changed, err := e.Apply(head, c, values, changes)
	if err != nil {
		return p, err
	}
	p.values = changed[head:]
	p.data, p.life = e.pack(key, e.Codec, changed, len(p.values)), e.Lifetimes.In(e.Codec, p.values)
	return p, nil
}

// repack returns values, which are codec c's and stay as they are, as they are to be stored under key.
func (e *Envelope) repack(key string, c codec.Codec, values []byte) []byte {
	if e.Encryption != nil || e.Beego {
		return e.pack(key, c, values, len(values))
	}
	return e.pack(key, c, append(make([]byte, plainHeader, plainHeader+len(values)), values...), len(values))
}

// pack returns Data for the n bytes of values, which are codec c's, at the end of changed.
func (e *Envelope) pack(key string, c codec.Codec, changed []byte, n int) []byte {
	switch {
	case e.Encryption != nil:
		data := make([]byte, encryptedHeader, encryptedHeader+n+sealing.Overhead)
		data[0], data[1] = encryptedVersion, c.ID()
		return e.Encryption.Seal(data, changed, about(data, key))
	case n == 0:
		return nil
	case !e.Beego:
		changed[0], changed[1] = plainVersion, c.ID()
		binary.BigEndian.PutUint32(changed[2:], dataSum(changed))
	}
	return changed
}

func dataSum(data []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, data[1:2]), castagnoli, data[plainHeader:])
}
