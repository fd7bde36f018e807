package cookies

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
)

// A sealed session that one cookie cannot hold is cut into parts. The first cookie's value begins with their
// number; the others are named after the first:
//
//	name=3.<first part>; name.1=<second part>; name.2=<third part>
//
// A part of another session, or of another state of this one, does not open with the rest.
const (
	// MaxSize is how many bytes the name and the value of a cookie have together at most: draft-ietf-httpbis-rfc6265bis-22, section 5.6.
	MaxSize = 4096
	// MaxParts is how many parts there may be: one digit.
	MaxParts = 9
)

// PartName returns the name of a part's cookie, which for part 0 is name.
func PartName(name string, part int) string {
	if part == 0 {
		return name
	}
	return name + "." + strconv.Itoa(part)
}

// Part returns which part of what is kept under name a cookie holds, if it does.
func Part(cookie, name string) (part int, ok bool) {
	rest, ok := strings.CutPrefix(cookie, name)
	if !ok || rest == "" {
		return 0, ok
	}
	if len(rest) != 2 || rest[0] != '.' {
		return 0, false
	}
	part = int(rest[1]) - '0'
	return part, 0 < part && part < MaxParts
}

// Cut returns the values of the cookies that hold sealed, which one cookie cannot hold. most is how many there may be: if
// they do not suffice, the error wraps [driver.ErrTooLarge].
func Cut(name, sealed string, most int) (values []string, err error) {
	room := MaxSize - len(name) - len("9.")
	for rest := sealed; rest != ""; room = MaxSize - len(PartName(name, 1)) {
		if len(values) == most {
			return nil, fmt.Errorf("%w: %d characters sealed do not fit into %d cookies of %d bytes with their names",
				driver.ErrTooLarge, len(sealed), most, MaxSize)
		}
		n := min(room, len(rest))
		values = append(values, rest[:n])
		rest = rest[n:]
	}
	values[0] = strconv.Itoa(len(values)) + "." + values[0]
	return values, nil
}

// Join returns what Cut was given, from the cookies of a request; first is the value of the first. It reports false if a part
// is missing or there are more than most.
func Join(lines []string, name, first string, most int) (sealed string, ok bool) {
	if len(first) < 2 || first[1] != '.' {
		return first, first != ""
	}
	n := int(first[0] - '0')
	if n < 2 || n > most || len(first) > MaxSize {
		return "", false
	}
	sealed = first[2:]
	for part := 1; part < n; part++ {
		scan := NewScan(lines, PartName(name, part))
		value, ok := scan.Next()
		if !ok || len(value) > MaxSize {
			return "", false
		}
		sealed += value
	}
	return sealed, true
}
