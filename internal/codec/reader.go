package codec

import (
	"encoding/binary"
	"math"
	"time"
)

// A valueReader reads encoded values from the beginning of b. The strings that it returns are parts of b. After the first error
// b is empty and every read returns zero, so a caller can check err once, at the end.
type valueReader struct {
	b     string
	depth int // how many values the one read is nested in
	err   error
}

var errValue = corruptf("a value is not readable")

func (r *valueReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = ""
}

// next takes n bytes.
func (r *valueReader) next(n uint64) string {
	if n > uint64(len(r.b)) {
		r.fail(errValue)
		return ""
	}
	b := r.b[:n]
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
func uvarint(b string) (x uint64, n int) {
	var first [binary.MaxVarintLen64]byte
	x, n = binary.Uvarint(first[:copy(first[:], b)])
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
	if b := r.next(4); b != "" {
		return math.Float32frombits(binary.BigEndian.Uint32([]byte(b)))
	}
	return 0
}

func (r *valueReader) float64() float64 {
	if b := r.next(8); b != "" {
		return math.Float64frombits(binary.BigEndian.Uint64([]byte(b)))
	}
	return 0
}

// string reads a string preceded by its length.
func (r *valueReader) string() string { return r.next(r.uvarint()) }

// strings reads the length and the elements of a []string, which must take all of b.
func (r *valueReader) strings() []string {
	n, ok := r.count(1)
	if !ok {
		return nil
	}
	s := make([]string, n)
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
	return []byte(r.next(n - 1))
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
