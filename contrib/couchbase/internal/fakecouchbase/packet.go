package fakecouchbase

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	magicRequest    = 0x80
	magicAltRequest = 0x08 // a request with frames between the header and the extras
	magicResponse   = 0x81

	headerLength = 24
	maxFrame     = 30 << 20 // more than this in one packet ends the connection
)

// The bits of the data type.
const datatypeJSON = 0x01

// A request is one packet from the client. Its slices share one buffer, which no other request uses.
type request struct {
	opcode   byte
	datatype byte
	vbucket  uint16
	opaque   uint32
	cas      uint64

	frames, extras, key, value []byte

	keepExpiry bool // one of the frames says so
}

// A response is what a command has to say. Opcode and opaque come from the request.
type response struct {
	status   status
	datatype byte
	cas      uint64

	extras, value []byte
}

var errPacket = errors.New("fakecouchbase: not a packet")

// readRequest returns an error for bytes that cannot be a packet. Nothing after them can be understood either, so a
// server closes the connection.
func readRequest(r io.Reader) (request, error) {
	var h [headerLength]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return request{}, err
	}
	frames, key := 0, int(binary.BigEndian.Uint16(h[2:]))
	switch h[0] {
	case magicRequest:
	case magicAltRequest:
		frames, key = int(h[2]), int(h[3])
	default:
		return request{}, errPacket
	}
	extras, total := int(h[4]), int(binary.BigEndian.Uint32(h[8:]))
	if total+headerLength > maxFrame || frames+extras+key > total {
		return request{}, errPacket
	}
	body := make([]byte, total)
	if _, err := io.ReadFull(r, body); err != nil {
		return request{}, err
	}
	q := request{
		opcode:   h[1],
		datatype: h[5],
		vbucket:  binary.BigEndian.Uint16(h[6:]),
		opaque:   binary.BigEndian.Uint32(h[12:]),
		cas:      binary.BigEndian.Uint64(h[16:]),
	}
	q.frames, body = body[:frames], body[frames:]
	q.extras, body = body[:extras], body[extras:]
	q.key, q.value = body[:key], body[key:]
	return q, nil
}

func (r response) writeTo(w io.Writer, q request) error {
	h := make([]byte, headerLength, headerLength+len(r.extras)+len(r.value))
	h[0], h[1] = magicResponse, q.opcode
	h[4], h[5] = byte(len(r.extras)), r.datatype
	binary.BigEndian.PutUint16(h[6:], uint16(r.status))
	binary.BigEndian.PutUint32(h[8:], uint32(len(r.extras)+len(r.value)))
	binary.BigEndian.PutUint32(h[12:], q.opaque)
	binary.BigEndian.PutUint64(h[16:], r.cas)
	_, err := w.Write(append(append(h, r.extras...), r.value...))
	return err
}

// A frame is one element of the flexible framing extras.
type frame struct {
	id   int
	data []byte
}

// parseFrames splits the framing extras. A number of 15 in either half of the first byte says that the next byte adds
// to it, first for the identifier, then for the length.
func parseFrames(b []byte) (list []frame, ok bool) {
	for len(b) > 0 {
		id, length := int(b[0]>>4), int(b[0]&0xf)
		b = b[1:]
		for _, n := range []*int{&id, &length} {
			if *n != 15 {
				continue
			}
			if len(b) == 0 {
				return nil, false
			}
			*n += int(b[0])
			b = b[1:]
		}
		if len(b) < length {
			return nil, false
		}
		list = append(list, frame{id, b[:length]})
		b = b[length:]
	}
	return list, true
}

// collectionID reads the unsigned LEB128 number before a key: at most five bytes, in the shortest form.
func collectionID(key []byte) (id uint64, rest []byte, ok bool) {
	for i, b := range key[:min(len(key), 5)] {
		id |= uint64(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			shortest := i == 0 || b != 0
			return id, key[i+1:], shortest
		}
	}
	return 0, nil, false
}
