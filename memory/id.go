package memory

import (
	"encoding/binary"
	"encoding/hex"
)

// An id names a session within the store in 16 bytes, without a pointer. A manager's sids have 32 hexadecimal digits by
// default, and their id is the number that these stand for. The id of any other key is a hash, and the shard keeps the key
// itself in names.
type id struct{ hi, lo uint64 }

// parseID returns the id of a key of 32 lower-case hexadecimal digits.
func parseID(key string) (k id, ok bool) {
	if len(key) != 32 {
		return k, false
	}
	var bad byte
	for i := range 16 {
		hi, lo := digits[key[i]], digits[key[16+i]]
		bad |= hi | lo
		k.hi, k.lo = k.hi<<4|uint64(hi), k.lo<<4|uint64(lo)
	}
	return k, bad < noDigit
}

const noDigit = 0x80

var digits = func() (values [256]byte) {
	for i := range values {
		values[i] = noDigit
	}
	for value, digit := range "0123456789abcdef" {
		values[digit] = byte(value)
	}
	return values
}()

// String returns the digits that parseID took.
func (k id) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.hi)
	binary.BigEndian.PutUint64(b[8:], k.lo)
	return hex.EncodeToString(b[:])
}
