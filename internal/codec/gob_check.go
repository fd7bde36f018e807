package codec

import (
	"math/bits"
	"slices"
)

const (
	// maxGobDepth bounds how deep values are nested in a stream. What walkGob lets pass is less deep.
	maxGobDepth = maxWalkDepth + 8

	maxGobName = 1024 // encoding/gob's own limit for the name of a type
)

// checkGob reads a gob stream as encoding/gob would, but makes nothing of it, and returns a stream of the
// same values that can be handed to encoding/gob: it declares no more than it holds, is not nested
// deeply, and means the same however it is read. The error wraps [driver.ErrCorrupt].
//
// The last is why there is a copy. A decoder reads a field that it knows in another way than one that it
// skips: for a value in an interface the one ignores the length, the other trusts it. In the copy all
// lengths are true, and all types are defined in front, so that nothing comes between a length and its
// value. The types are numbered anew, so that the copy is the same in every process.
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

// A gobTop says which type the value of a stream must have.
type gobTop func(t *gobType, id int64) bool

func gobAny(_ *gobType, id int64) bool { return id == gobInterface }

func gobMap(t *gobType, _ int64) bool {
	return t != nil && t.kind == gobMapType && t.key == gobInterface && t.elem == gobInterface
}

// A gobScan is the state of checkGob. After the first error bad is set and nothing is left to read.
type gobScan struct {
	buf  []byte // the rest of the current message
	rest []byte // the messages after it
	bad  bool

	out  []byte // the value, rewritten, without the length of its message
	defs []byte // the definitions of types, rewritten, each a message

	ids   map[int64]int64 // the types' numbers, rewritten
	types []*gobType      // by rewritten number, from firstGobType on
	named map[gobNamed]bool
	work  int // what is left of the work that a decoder may have with types
}

func (s *gobScan) fail() {
	s.bad, s.buf, s.rest = true, nil, nil
}

// left is how many bytes are left. Every element takes one or more.
func (s *gobScan) left() uint64 { return uint64(len(s.buf) + len(s.rest)) }

// uint takes an unsigned integer: one byte below 128, or the negated count of bytes that follow.
func (s *gobScan) uint() (x uint64) {
	x, s.buf = gobUint(s.buf)
	if s.buf == nil {
		s.fail()
	}
	return x
}

// gobUint takes an unsigned integer off b. If there is none, rest is nil.
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

// copyUint takes an unsigned integer into the copy.
func (s *gobScan) copyUint() uint64 {
	x := s.uint()
	s.out = appendGobUint(s.out, x)
	return x
}

// copyBytes takes bytes into the copy, behind their length.
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

// int takes a signed integer, which is unsigned with the sign in the lowest bit.
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

// message begins the next message.
func (s *gobScan) message() {
	n, rest := gobUint(s.rest)
	if rest == nil || n == 0 || n > uint64(len(rest)) {
		s.fail()
		return
	}
	s.buf, s.rest = rest[:n], rest[n:]
}

// typeSequence takes definitions of types, and the number of the type of the value that follows. Within
// an interface a message may end behind a definition, or else a length follows it, which says nothing.
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

// value takes a value of a type, as it stands at the top and in an interface: all but a struct have a
// zero in front.
func (s *gobScan) value(id int64, depth int) {
	if t := s.typ(id); t == nil || t.kind != gobStructType {
		if s.copyUint() != 0 {
			s.fail()
		}
	}
	s.element(id, depth)
}

// element takes a value of a type, as it stands in a slice, an array, a map or a struct.
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

// structFields takes a struct: each field that is not zero behind the distance to the one before it, and a
// zero.
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

// interfaceValue takes the value of an interface: the name of its type, its type, its length, which says
// nothing, and itself. An empty name is nil.
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
