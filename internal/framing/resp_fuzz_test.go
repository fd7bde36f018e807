package framing_test

import (
	"strconv"
	"testing"

	"github.com/seed1a8f7c28/session/internal/framing"
)

func FuzzRedis(f *testing.F) {
	fuzz(f, framing.Redis, func(s *source) { s.element(0, true) })
}

// element writes one element, in as many lists. With attribute it may have one.
func (s *source) element(depth int, attribute bool) {
	const text, strings, lists, pairs = "+-:_,#(", "$=!", "*~>", "%|"
	const end = "\r\n"
	switch n := s.next(5); {
	case n == 0 || n > 2 && depth == 5:
		s.write(text[s.next(len(text)):][:1], s.line(), end)
	case n == 1:
		s.write(strings[s.next(len(strings)):][:1], "-1", end)
	case n == 2:
		v := s.value()
		s.write(strings[s.next(len(strings)):][:1], strconv.Itoa(len(v)), end, v, end)
	case n == 3:
		length := s.next(5) - 1
		s.write(lists[s.next(len(lists)):][:1], strconv.Itoa(length), end)
		for range length {
			s.element(depth+1, attribute)
		}
	default:
		kind, length := pairs[s.next(len(pairs))], s.next(4)
		if !attribute {
			kind = '%'
		}
		s.write(string(kind), strconv.Itoa(length), end)
		for range 2 * length {
			s.element(depth+1, attribute && kind == '%')
		}
		if kind == '|' {
			s.write("+", s.line(), end) // what it is of
		}
	}
}
