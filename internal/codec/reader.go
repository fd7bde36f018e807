package codec

import (
	"encoding/binary"
	"math"
	"time"
)

// A valueReader reads encoded values from the beginning of b. After the first error b is empty and every read returns zero,
// so a caller can check err once, at the end.
type valueReader struct {
	b      []byte
	shared string // if not empty, ends with b; decoded strings are substrings of it
	depth  int    // how many values contain the one being read
	err    error
}

var errValue = corruptf("a value is not readable")

func (r *valueReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// next reads n bytes. The result is part of b, not a copy.
func (r *valueReader) next(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail(errValue)
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// uvarint reads a varint in its shortest form.
func (r *valueReader) uvarint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		x := r.b[0]
		r.b = r.b[1:]
		return uint64(x)
	}
	x, n := uvarint(r.b)
	if n == 0 {
		r.fail(errValue)
		return 0
	}
	r.b = r.b[n:]
	return x
}

// uvarint is [binary.Uvarint], but returns n = 0 for a varint that is longer than necessary.
func uvarint(b []byte) (x uint64, n int) {
	x, n = binary.Uvarint(b)
	if n <= 0 || n > 1 && b[n-1] == 0 {
		return 0, 0
	}
	return x, n
}

func (r *valueReader) unsigned(bits int) uint64 {
	x := r.uvarint()
	if bits < 64 && x>>bits != 0 {
		r.fail(errValue)
		return 0
	}
	return x
}

func (r *valueReader) signed(bits int) int64 {
	u := r.unsigned(bits) // a zigzag integer of the same number of bits
	return int64(u>>1) ^ -int64(u&1)
}

func (r *valueReader) bool() bool {
	b := r.next(1)
	if len(b) == 1 && b[0] > 1 {
		r.fail(errValue)
	}
	return len(b) == 1 && b[0] == 1
}

func (r *valueReader) float32() float32 {
	if b := r.next(4); b != nil {
		return math.Float32frombits(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *valueReader) float64() float64 {
	if b := r.next(8); b != nil {
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	return 0
}

// string reads a string preceded by its length.
func (r *valueReader) string() string {
	b := r.next(r.uvarint())
	if r.shared == "" || r.err != nil {
		return string(b)
	}
	end := len(r.shared) - len(r.b)
	return r.shared[end-len(b) : end]
}

// strings reads the length and the elements of a []string, which must take all of b.
func (r *valueReader) strings() []string {
	n, ok := r.count(1)
	if !ok {
		return nil
	}
	s := make([]string, n)
	r.shared = string(r.b)
	for i := range s {
		s[i] = r.string()
	}
	return s
}

// bytes reads a []byte preceded by its length plus one; zero means nil. It returns a copy.
func (r *valueReader) bytes() []byte {
	n := r.uvarint()
	if n == 0 {
		return nil
	}
	b := r.next(n - 1)
	return append(make([]byte, 0, len(b)), b...)
}

// time reads the result of appendTime.
func (r *valueReader) time() time.Time {
	seconds, nanoseconds, zone := r.signed(64), r.uvarint(), r.uvarint()
	if nanoseconds >= 1e9 || zone > 1<<32 {
		r.fail(errValue)
	}
	if r.err != nil {
		return time.Time{}
	}
	t := time.Unix(seconds, int64(nanoseconds))
	if zone == 0 {
		return t.UTC()
	}
	offset := int(int64((zone-1)>>1) ^ -int64((zone-1)&1))
	if _, local := t.Zone(); local != offset {
		t = t.In(time.FixedZone("", offset))
	}
	return t
}

// count reads the number of elements of a slice or map plus one; zero means nil. Every element takes at least size bytes,
// so count can tell whether there can be that many.
func (r *valueReader) count(size int) (n int, ok bool) {
	x := r.uvarint()
	if x == 0 {
		return 0, false
	}
	if x-1 > uint64(len(r.b)/size) {
		r.fail(errValue)
		return 0, false
	}
	return int(x - 1), true
}
