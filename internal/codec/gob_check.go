package codec

import (
	"math/bits"
	"slices"
)

const (
	// maxGobDepth limits the nesting of values in a stream. It is more than walkGob permits.
	maxGobDepth = maxWalkDepth + 8

	maxGobName = 1024 // encoding/gob's own limit for the name of a type
)

// checkGob parses a gob stream as encoding/gob would, without building values, and returns a stream of the same values that
// is safe for encoding/gob: it declares no more than it contains, is not nested deeply, and has one meaning for every
// reader. The error wraps [driver.ErrCorrupt]. The format is described in the documentation of encoding/gob.
//
// The last property is why there is a copy. A decoder reads a known field differently from one that it skips: for the value
// of an interface it ignores the length in the first case, and trusts it in the second. In the copy all lengths are
// correct, and all types are defined at the beginning, so that nothing comes between a length and its value. The types get
// new numbers, so that the copy is the same in every process.
func checkGob(data []byte, top gobTop) ([]byte, error) {
	s := gobScan{
		rest:  data,
		out:   make([]byte, 0, len(data)+16),
		ids:   map[int64]int64{},
		named: map[gobNamed]bool{},
		work:  gobWork + len(data)/4,
	}
	id := s.typeSequence(false)
	s.out = appendGobInt(s.out, id)
	s.value(id, 0)
	if s.bad || len(s.buf)+len(s.rest) > 0 || !s.defined() {
		return nil, corruptf("malformed gob")
	}
	if !top(s.typ(id), id) {
		return nil, corruptf("gob of another type than is stored")
	}
	if err := s.checkNamed(); err != nil {
		return nil, err
	}
	return append(appendGobUint(s.defs, uint64(len(s.out))), s.out...), nil
}

// A gobTop reports whether a type is the one that the value of a stream must have.
type gobTop func(t *gobType, id int64) bool

func gobAny(_ *gobType, id int64) bool { return id == gobInterface }

func gobMap(t *gobType, _ int64) bool {
	return t != nil && t.kind == gobMapType && t.key == gobInterface && t.elem == gobInterface
}

// A gobScan is the state of checkGob. After the first error bad is set and no input is left.
type gobScan struct {
	buf  []byte // the rest of the current message
	rest []byte // the messages after it
	bad  bool

	out  []byte // the rewritten value, without the length of its message
	defs []byte // the rewritten type definitions, each a message

	ids   map[int64]int64 // maps the types' numbers to the new ones
	types []*gobType      // by new number, from firstGobType on
	named map[gobNamed]bool
	work  int // remaining budget for the work that a decoder spends on types
}

func (s *gobScan) fail() {
	s.bad, s.buf, s.rest = true, nil, nil
}

// left returns the number of bytes left. Every element takes at least one byte.
func (s *gobScan) left() uint64 { return uint64(len(s.buf) + len(s.rest)) }

// uint reads an unsigned integer: one byte if it is below 128, otherwise the negated byte count and then the bytes.
func (s *gobScan) uint() (x uint64) {
	x, s.buf = gobUint(s.buf)
	if s.buf == nil {
		s.fail()
	}
	return x
}

// gobUint reads an unsigned integer from b. If there is none, rest is nil.
func gobUint(b []byte) (x uint64, rest []byte) {
	if len(b) == 0 {
		return 0, nil
	}
	if b[0] < 0x80 {
		return uint64(b[0]), b[1:]
	}
	n := -int(int8(b[0]))
	if n > 8 || n >= len(b) {
		return 0, nil
	}
	for _, c := range b[1 : 1+n] {
		x = x<<8 | uint64(c)
	}
	return x, b[1+n:]
}

// copyUint reads an unsigned integer and appends it to the copy.
func (s *gobScan) copyUint() uint64 {
	x := s.uint()
	s.out = appendGobUint(s.out, x)
	return x
}

// copyBytes reads bytes, preceded by their length, and appends them to the copy.
func (s *gobScan) copyBytes() []byte {
	n := s.copyUint()
	if n > uint64(len(s.buf)) {
		s.fail()
		return nil
	}
	b := s.buf[:n]
	s.out, s.buf = append(s.out, b...), s.buf[n:]
	return b
}

// int reads a signed integer, which is an unsigned one with the sign in the lowest bit.
func (s *gobScan) int() int64 {
	x := s.uint()
	return int64(x>>1) ^ -int64(x&1)
}

func appendGobUint(dst []byte, x uint64) []byte {
	if x < 0x80 {
		return append(dst, byte(x))
	}
	n := (bits.Len64(x) + 7) / 8
	dst = append(dst, byte(-n))
	for n--; n >= 0; n-- {
		dst = append(dst, byte(x>>(8*n)))
	}
	return dst
}

func appendGobInt(dst []byte, x int64) []byte {
	return appendGobUint(dst, uint64(x<<1)^uint64(x>>63))
}

// message starts the next message.
func (s *gobScan) message() {
	n, rest := gobUint(s.rest)
	if rest == nil || n == 0 || n > uint64(len(rest)) {
		s.fail()
		return
	}
	s.buf, s.rest = rest[:n], rest[n:]
}

// typeSequence reads type definitions and the number of the type of the following value. Within an interface, a definition
// is followed by the end of a message or by a length, which is ignored.
func (s *gobScan) typeSequence(inInterface bool) int64 {
	for !s.bad {
		if len(s.buf) == 0 {
			s.message()
		}
		id := s.int()
		if id >= 0 {
			return s.typeID(id)
		}
		s.definition(-id)
		if len(s.buf) > 0 {
			if !inInterface {
				s.fail()
			}
			s.uint()
		}
	}
	return 0
}

// value reads a value of a type at the top level or in an interface. Every value except a struct is preceded by a zero.
func (s *gobScan) value(id int64, depth int) {
	if t := s.typ(id); t == nil || t.kind != gobStructType {
		if s.copyUint() != 0 {
			s.fail()
		}
	}
	s.element(id, depth)
}

// element reads a value of a type inside a slice, an array, a map or a struct.
func (s *gobScan) element(id int64, depth int) {
	if depth > maxGobDepth {
		s.fail()
	}
	if s.bad {
		return
	}
	switch id {
	case gobBool, gobInt, gobUnsigned, gobFloat:
		s.copyUint()
	case gobBytes, gobString:
		s.copyBytes()
	case gobComplex:
		s.copyUint()
		s.copyUint()
	case gobInterface:
		s.interfaceValue(depth)
	default:
		s.composite(s.typ(id), depth)
	}
}

func (s *gobScan) composite(t *gobType, depth int) {
	switch t.kind {
	case gobOpaqueType:
		s.copyBytes()
	case gobArrayType, gobSliceType:
		n := s.copyUint()
		if n > s.left() || t.kind == gobArrayType && n != t.len {
			s.fail()
			return
		}
		for ; n > 0 && !s.bad; n-- {
			s.element(t.elem, depth+1)
		}
	case gobMapType:
		n := s.copyUint()
		if n > s.left()/2 {
			s.fail()
			return
		}
		for ; n > 0 && !s.bad; n-- {
			s.element(t.key, depth+1)
			s.element(t.elem, depth+1)
		}
	case gobStructType:
		s.structFields(len(t.fields), func(i int) { s.element(t.fields[i].id, depth+1) })
	default: // undefined
		s.fail()
	}
}

// structFields reads a struct: each non-zero field, preceded by its distance from the previous one, and a final zero.
func (s *gobScan) structFields(n int, field func(i int)) {
	for i := -1; !s.bad; {
		skip := s.copyUint()
		if skip == 0 {
			return
		}
		if skip > uint64(n-1-i) {
			s.fail()
			return
		}
		i += int(skip)
		field(i)
	}
}

// interfaceValue reads the value of an interface: the name of its type, its type, its length, which is ignored, and the
// value. An empty name means nil.
func (s *gobScan) interfaceValue(depth int) {
	name := s.copyBytes()
	if len(name) > maxGobName {
		s.fail()
	}
	if len(name) == 0 || s.bad {
		return
	}
	id := s.typeSequence(true)
	s.uint()
	s.out = appendGobInt(s.out, id)
	start := len(s.out)
	s.value(id, depth+1)
	var length [9]byte
	s.out = slices.Insert(s.out, start, appendGobUint(length[:0], uint64(len(s.out)-start))...)
	if id >= firstGobType && !s.named[gobNamed{string(name), id}] {
		s.named[gobNamed{string(name), id}] = true
	}
}
