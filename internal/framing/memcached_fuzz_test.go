package framing_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/internal/framing"
)

func FuzzMemcached(f *testing.F) {
	fuzz(f, framing.Memcached, func(s *source) {
		const end = "\r\n"
		lines := [...]string{"END", "STORED", "NOT_FOUND", "VERSION 1.6", "SERVER_ERROR out of memory", "VALUE", "VAL"}
		switch n := s.next(len(lines) + 2); {
		case n < len(lines):
			s.write(lines[n], end)
		default:
			key := "k" + strings.ReplaceAll(s.line(), " ", "_")
			unique := [...]string{"", " 18446744073709551615"}[n-len(lines)]
			v := s.value()
			s.write("VALUE ", key, " 0 ", strconv.Itoa(len(v)), unique, end, v, end)
		}
	})
}
