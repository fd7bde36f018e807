package session

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

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
// In beego mode Data is beego's gob map and nothing else.
const (
	plainVersion     = 1
	plainHeader      = 6
	encryptedVersion = 3
	encryptedHeader  = 2
)

// A payload is Data, and what is in it.
type payload struct {
	data, values []byte
	life         lifetime
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openData checks the Data of the record under key and returns the values in it and their codec.
func (m *Manager) openData(key string, data []byte) (codec.Codec, []byte, error) {
	switch {
	case m.encryption != nil:
		return m.decrypt(key, data)
	case len(data) == 0:
		return m.codec, nil, nil
	case m.cfg.Beego:
		return m.codec, data, m.codec.Check(data)
	case len(data) < plainHeader || data[0] != plainVersion:
		return nil, nil, fmt.Errorf("%w: unknown envelope", ErrCorrupt)
	case binary.BigEndian.Uint32(data[2:]) != dataSum(data):
		return nil, nil, fmt.Errorf("%w: checksum", ErrCorrupt)
	}
	return m.checked(data[1], data[plainHeader:])
}

// decrypt is openData with encryption. What does not open is as good as absent: it was stored before
// encryption began, under a key that is not used any more, or by somebody who has none.
func (m *Manager) decrypt(key string, data []byte) (codec.Codec, []byte, error) {
	if len(data) < encryptedHeader || data[0] != encryptedVersion {
		return nil, nil, fmt.Errorf("%w: stored without encryption", ErrNotFound)
	}
	values, err := m.encryption.Open(nil, data[encryptedHeader:], about(data, key))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: encrypted under an unknown key, or altered", ErrNotFound)
	}
	return m.checked(data[1], values)
}

// about is what the seal binds the values to.
func about(data []byte, key string) []byte {
	return append(append(make([]byte, 0, 64), data[:encryptedHeader]...), key...)
}

// checked returns the codec of this id, if values are in its format.
func (m *Manager) checked(id byte, values []byte) (codec.Codec, []byte, error) {
	if id == m.codec.ID() {
		return m.codec, values, m.codec.Check(values)
	}
	c, ok := codec.ByID(id)
	if !ok {
		return nil, nil, fmt.Errorf("%w: unknown codec", ErrCorrupt)
	}
	return c, values, c.Check(values)
}

// changedData returns what is to be stored under key: values, which are codec c's, with the changes made, in
// this manager's codec and within its limit.
func (m *Manager) changedData(key string, c codec.Codec, values []byte, flush bool, changes []codec.Change) (p payload, err error) {
	switch {
	case flush:
		values = nil
	case c.ID() != m.codec.ID():
		if values, err = codec.Transcode(c, m.codec, values); err != nil {
			return p, err
		}
	}
	head := 0
	if m.encryption == nil && !m.cfg.Beego {
		head = plainHeader
	}
	changed, err := m.codec.Apply(head, values, changes)
	if err != nil {
		return p, err
	}
	p.values = changed[head:]
	if n := len(p.values); n > m.cfg.maxBytes {
		return p, fmt.Errorf("%w: %d bytes of values, %d allowed (maxBytes)", ErrTooLarge, n, m.cfg.maxBytes)
	}
	p.data, p.life = m.envelope(key, changed, len(p.values)), m.lifetimeIn(m.codec, p.values)
	return p, nil
}

// envelope returns Data for the n bytes of values at the end of changed.
func (m *Manager) envelope(key string, changed []byte, n int) []byte {
	switch {
	case m.encryption != nil:
		data := make([]byte, encryptedHeader, encryptedHeader+n+sealing.Overhead)
		data[0], data[1] = encryptedVersion, m.codec.ID()
		return m.encryption.Seal(data, changed, about(data, key))
	case n == 0:
		return nil
	case !m.cfg.Beego:
		changed[0], changed[1] = plainVersion, m.codec.ID()
		binary.BigEndian.PutUint32(changed[2:], dataSum(changed))
	}
	return changed
}

func dataSum(data []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, data[1:2]), castagnoli, data[plainHeader:])
}
