package codec

import "math"

// The numbers of the types that a gob stream does not define.
const (
	gobBool      = 1
	gobInt       = 2
	gobUnsigned  = 3
	gobFloat     = 4
	gobBytes     = 5
	gobString    = 6
	gobComplex   = 7
	gobInterface = 8

	firstGobType = 64
)

// A gobType is a type as a gob stream defines it.
type gobType struct {
	kind      gobKind
	key, elem int64 // of a map, a slice or an array
	len       uint64
	fields    []gobField
}

type gobField struct {
	name string
	id   int64
}

// A gobKind says how a type's values are encoded in a stream.
type gobKind byte

const (
	gobUndefined gobKind = iota
	gobArrayType
	gobSliceType
	gobStructType
	gobMapType
	gobOpaqueType // encoded by methods of the type
)

// gobDefinitions are the possible forms of a type definition, in the order of the fields of the struct that encodes it,
// with the number of fields of each form.
var gobDefinitions = [...]struct {
	kind   gobKind
	fields int
}{
	{gobArrayType, 3},
	{gobSliceType, 2},
	{gobStructType, 2},
	{gobMapType, 3},
	{gobOpaqueType, 1},
	{gobOpaqueType, 1},
	{gobOpaqueType, 1},
}

// typ returns the definition of a type, or nil for a predefined one.
func (s *gobScan) typ(id int64) *gobType {
	if i := id - firstGobType; i >= 0 && i < int64(len(s.types)) {
		return s.types[i]
	}
	return nil
}

// typeID returns the number of a type in the copy. A type may be used before it is defined.
func (s *gobScan) typeID(id int64) int64 {
	if id >= gobBool && id <= gobInterface {
		return id
	}
	if own, ok := s.ids[id]; ok {
		return own
	}
	if id < firstGobType || id > math.MaxInt32 {
		s.fail()
		return gobBool
	}
	own := int64(firstGobType + len(s.types))
	s.ids[id], s.types = own, append(s.types, new(gobType))
	return own
}

// copyTypeID reads the number of a type and appends it to the copy.
func (s *gobScan) copyTypeID() int64 {
	id := s.typeID(s.int())
	s.out = appendGobInt(s.out, id)
	return id
}

// definition reads the definition of a type.
func (s *gobScan) definition(id int64) {
	id = s.typeID(id)
	t := s.typ(id)
	if t == nil || t.kind != gobUndefined {
		s.fail()
		return
	}
	start := len(s.out)
	s.out = appendGobInt(s.out, -id)
	s.structFields(len(gobDefinitions), func(i int) {
		if t.kind != gobUndefined {
			s.fail()
		}
		t.kind = gobDefinitions[i].kind
		s.structFields(gobDefinitions[i].fields, func(i int) { s.definitionField(id, t, i) })
	})
	elements := t.kind == gobArrayType || t.kind == gobSliceType || t.kind == gobMapType
	if t.kind == gobUndefined || elements && t.elem == 0 || t.kind == gobMapType && t.key == 0 {
		s.fail()
	}
	s.defs = appendGobUint(s.defs, uint64(len(s.out)-start))
	s.defs = append(s.defs, s.out[start:]...)
	s.out = s.out[:start]
}

// definitionField reads a field of the definition of t.
func (s *gobScan) definitionField(id int64, t *gobType, i int) {
	switch {
	case i == 0:
		// Here comes the name of the type, which depends on what the program has encoded before and is never needed, and
		// its number again.
		start := len(s.out)
		s.structFields(2, func(i int) {
			if i == 0 {
				s.copyBytes()
			} else {
				s.copyUint()
			}
		})
		s.out = append(appendGobInt(append(s.out[:start], 2), id), 0)
	case t.kind == gobStructType:
		s.fieldList(t)
	case t.kind == gobMapType && i == 1:
		t.key = s.copyTypeID()
	case t.kind == gobArrayType && i == 2:
		t.len = uint64(s.int())
		s.out = appendGobInt(s.out, int64(t.len))
	default:
		t.elem = s.copyTypeID()
	}
}

// fieldList reads the names and types of the fields of t.
func (s *gobScan) fieldList(t *gobType) {
	for n := s.copyUint(); n > 0 && !s.bad; n-- {
		var f gobField
		s.structFields(2, func(i int) {
			if i == 0 {
				f.name = string(s.copyBytes())
			} else {
				f.id = s.copyTypeID()
			}
		})
		if f.name == "" || f.id == 0 {
			s.fail()
		}
		t.fields = append(t.fields, f)
	}
}

// defined reports whether all types that are used are defined.
func (s *gobScan) defined() bool {
	for _, t := range s.types {
		if t.kind == gobUndefined {
			return false
		}
	}
	return true
}
