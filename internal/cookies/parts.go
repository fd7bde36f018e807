package cookies

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
)

// A sealed session that does not fit into one cookie is cut into parts. The first cookie's value begins with their number.
// The other cookies have the first one's name and a number:
//
//	name=3.<first part>; name.1=<second part>; name.2=<third part>
//
// A part of another session, or of another state of this session, does not open with the rest.
const (
	// MaxSize is the maximum total length of a cookie's name and value, in bytes: draft-ietf-httpbis-rfc6265bis-22, section
	// 5.6.
	MaxSize = 4096
	// MaxParts is the maximum number of parts: one digit.
	MaxParts = 9
)

// PartName returns the name of a part's cookie. For part 0 it is name.
func PartName(name string, part int) string {
	if part == 0 {
		return name
	}
	return name + "." + strconv.Itoa(part)
}

// Part returns the number of the part of name that a cookie holds. ok is false if it holds none.
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

// Check returns an error that wraps [driver.ErrTooLarge] if n characters, sealed, do not fit into most cookies.
func Check(name string, n, most int) error {
	if n <= MaxSize-len(name) || n <= firstRoom(name)+(most-1)*nextRoom(name) {
		return nil
	}
	return fmt.Errorf("%w: %d characters sealed do not fit into %d cookies of %d bytes with their names",
		driver.ErrTooLarge, n, most, MaxSize)
}

// firstRoom returns how many characters fit into the first of several cookies, and nextRoom how many fit into each other one.
func firstRoom(name string) int { return MaxSize - len(name) - len("9.") }
func nextRoom(name string) int  { return MaxSize - len(name) - len(".1") }

// Cut returns the values of the cookies that hold sealed, which does not fit into one cookie. most is the maximum number of
// cookies. If sealed does not fit, the error wraps [driver.ErrTooLarge].
func Cut(name, sealed string, most int) (values []string, err error) {
	if err := Check(name, len(sealed), most); err != nil {
		return nil, err
	}
	room := firstRoom(name)
	for rest := sealed; rest != ""; room = nextRoom(name) {
		n := min(room, len(rest))
		values = append(values, rest[:n])
		rest = rest[n:]
	}
	values[0] = strconv.Itoa(len(values)) + "." + values[0]
	return values, nil
}

// Join returns the argument of Cut, from the cookies of a request. first is the value of the first cookie. ok is false if a
// part is missing or there are more than most parts.
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
