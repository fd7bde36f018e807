package session

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A record's Data, outside beego mode: which codec wrote the values, and a checksum over both.
//
//	0  1  envelope version, 1
//	1  1  codec
//	2  4  CRC-32C of the codec's byte and the values, big-endian
//	6     the values
//
// Empty Data is a session without values. In beego mode Data is beego's gob map and nothing else.
const (
	envelopeVersion = 1
	envelopeHeader  = 6
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openData checks data and returns the values in it and their codec.
func (m *Manager) openData(data []byte) (codec, []byte, error) {
	if len(data) == 0 {
		return m.codec, nil, nil
	}
	if m.cfg.Beego {
		return m.codec, data, m.codec.check(data)
	}
	if len(data) < envelopeHeader || data[0] != envelopeVersion {
		return nil, nil, fmt.Errorf("%w: unknown envelope", ErrCorrupt)
	}
	if binary.BigEndian.Uint32(data[2:]) != dataSum(data) {
		return nil, nil, fmt.Errorf("%w: checksum", ErrCorrupt)
	}
	values := data[envelopeHeader:]
	if data[1] == m.codec.id() {
		return m.codec, values, m.codec.check(values)
	}
	c, ok := codecByID(data[1])
	if !ok {
		return nil, nil, fmt.Errorf("%w: unknown codec", ErrCorrupt)
	}
	return c, values, c.check(values)
}

// headLen is how many bytes of Data stand before the values.
func (m *Manager) headLen() int {
	if m.cfg.Beego {
		return 0
	}
	return envelopeHeader
}

// valuesOf returns the values in data that this manager made.
func (m *Manager) valuesOf(data []byte) []byte {
	if len(data) == 0 {
		return nil
	}
	return data[m.headLen():]
}

// changedData returns data with the changes made, in this manager's codec and within its limit.
func (m *Manager) changedData(data []byte, flush bool, changes []change) ([]byte, error) {
	from, values, err := m.openData(data)
	if err != nil {
		return nil, err
	}
	head := m.headLen()
	switch {
	case flush:
		values = nil
	case from.id() != m.codec.id():
		if values, err = transcode(from, m.codec, values); err != nil {
			return nil, err
		}
	}
	changed, err := m.codec.apply(head, values, changes)
	switch {
	case err != nil:
		return nil, err
	case len(changed)-head > m.cfg.maxBytes:
		return nil, fmt.Errorf("%w: %d bytes of values, %d allowed (maxBytes)", ErrTooLarge, len(changed)-head, m.cfg.maxBytes)
	case len(changed) == head:
		return nil, nil
	case head > 0:
		changed[0], changed[1] = envelopeVersion, m.codec.id()
		binary.BigEndian.PutUint32(changed[2:], dataSum(changed))
	}
	return changed, nil
}

func dataSum(data []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, data[1:2]), castagnoli, data[envelopeHeader:])
}

// transcode returns values in another codec.
func transcode(from, to codec, values []byte) ([]byte, error) {
	var (
		all    []change
		failed error
	)
	err := from.visit(values, func(key, value any) bool {
		var c change
		if c.key, failed = appendKey(nil, key); failed == nil {
			c.value, failed = to.appendValue(nil, value)
		}
		all = append(all, c)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	return to.apply(0, nil, all)
}
