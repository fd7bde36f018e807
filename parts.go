package session

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/seed1a8f7c28/session/driver"
)

// A sealed session that one cookie cannot hold is cut into parts. The first cookie's value begins with their
// number; the others are named after the first:
//
//	name=3.<first part>; name.1=<second part>; name.2=<third part>
//
// A part of another session, or of another state of this one, does not open with the rest.
const (
	maxCookie = 4096 // name and value together; RFC 6265bis section 5.6
	maxParts  = 9    // one digit
)

// partName returns the name of a part's cookie.
func partName(name string, part int) string {
	if part == 0 {
		return name
	}
	return name + "." + strconv.Itoa(part)
}

// part returns which part of a session the cookie of this name holds, if it is the manager's.
func (m *Manager) part(name string) (part int, ok bool) {
	rest, ok := strings.CutPrefix(name, m.cfg.CookieName)
	if !ok || rest == "" {
		return 0, ok
	}
	if m.sealer == nil || len(rest) != 2 || rest[0] != '.' {
		return 0, false
	}
	part = int(rest[1]) - '0'
	return part, 0 < part && part < maxParts
}

// cutParts returns the values of the cookies that hold sealed, which one cookie cannot hold. most is how many
// there may be.
func cutParts(name, sealed string, most int) (values []string, err error) {
	room := maxCookie - len(name) - len("9.")
	for rest := sealed; rest != ""; room = maxCookie - len(partName(name, 1)) {
		if len(values) == most {
			return nil, fmt.Errorf("%w: %d characters sealed do not fit into %d cookies of %d bytes with their names",
				ErrTooLarge, len(sealed), most, maxCookie)
		}
		n := min(room, len(rest))
		values = append(values, rest[:n])
		rest = rest[n:]
	}
	values[0] = strconv.Itoa(len(values)) + "." + values[0]
	return values, nil
}

// joinParts returns what is sealed in the cookies of a request, first being the value of the first.
func joinParts(lines []string, name, first string, most int) (sealed string, ok bool) {
	if len(first) < 2 || first[1] != '.' {
		return first, first != ""
	}
	n := int(first[0] - '0')
	if n < 2 || n > most || len(first) > maxCookie {
		return "", false
	}
	sealed = first[2:]
	for part := 1; part < n; part++ {
		scan := cookieScan{lines: lines, name: partName(name, part)}
		value, ok := scan.next()
		if !ok || len(value) > maxCookie {
			return "", false
		}
		sealed += value
	}
	return sealed, true
}

// scratch is memory for what is needed no longer than a call.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// answerSealed seals rec and sends it, and removes the cookies of parts that there are no more.
func (v *visit) answerSealed(rec *driver.Record, maxAge int) (sealed string, err error) {
	name, secure := v.m.cfg.CookieName, v.secure()
	mem := scratch.Get().(*[]byte)
	defer scratch.Put(mem)
	*mem, err = v.m.sealer.Seal(append(append((*mem)[:0], name...), '='), name, rec)
	if err != nil {
		return "", fmt.Errorf("session: seal: %w", err)
	}
	var lines []string
	if begin, end := len(name)+len("="), len(*mem); end-len("=") <= maxCookie {
		*mem = append(*mem, v.m.cookie.attributed(secure, maxAge)...)
		line := string(*mem)
		lines, sealed = []string{line}, line[begin:end]
	} else {
		sealed = string((*mem)[begin:])
		values, err := cutParts(name, sealed, v.m.parts)
		if err != nil {
			return "", err
		}
		for part, value := range values {
			lines = append(lines, v.m.cookie.line(part, value, secure, maxAge))
		}
	}
	v.answerCookies(v.deletions(lines, len(lines)))
	return sealed, nil
}

// deletions appends to lines what makes the client forget the parts from one on, and what would be read in place of
// the session.
func (v *visit) deletions(lines []string, from int) []string {
	carried := v.carried()
	if carried[0] && v.m.cookie.elsewhere && v.m.sealer != nil {
		lines = append(lines, v.m.cookie.deletionElsewhere(v.secure()))
	}
	for part := from; part < len(carried); part++ {
		if carried[part] {
			lines = append(lines, v.m.cookie.deletion(part, v.secure()))
		}
	}
	return lines
}

// carried reports which parts the request has cookies of, such that a session cannot have now among them.
func (v *visit) carried() (parts [maxParts]bool) {
	for _, line := range v.x.RequestHeader("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			name, _, ok := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
			if part, ours := v.m.part(name); ok && ours {
				parts[part] = true
			}
		}
	}
	return parts
}
