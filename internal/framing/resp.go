package framing

import "bytes"

const (
	// maxElements is of an answer with the lists in it, as far as they are still to come: 64 MiB in the client, at 16 bytes each.
	maxElements = 4 << 20
	// maxDepth is of lists in lists. The client calls itself for each.
	maxDepth = 32
	// maxText is of a line that is no header.
	maxText = 64 << 10
	// maxDigits is of a length.
	maxDigits = 20
)

// A resp follows RESP2 and RESP3. Where an element begins does not depend on what it is in.
type resp struct {
	skip int  // bytes of a string, and of the end of the line after it
	kind byte // of the line that has begun, or 0

	read     int // bytes of a line of text, or digits of a length
	length   int
	negative bool
	ending   bool // the next byte ends the line

	lists     [maxDepth]int // elements to come, the innermost last
	depth     int
	elements  int  // the sum of lists
	attribute int  // the depth at which one is open, or 0
	announced bool // an attribute has ended: what it is of follows
}

func (r *resp) scan(p []byte) error {
	for len(p) > 0 {
		n, err := 1, error(nil)
		switch {
		case r.skip > 0:
			n = min(r.skip, len(p))
			if r.skip -= n; r.skip == 0 {
				r.end()
			}
		case r.kind == 0:
			err = r.begin(p[0])
		case isText(r.kind):
			n, err = r.text(p)
		default:
			err = r.header(p[0])
		}
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

func isText(kind byte) bool {
	switch kind {
	case '+', '-', ':', '_', ',', '#', '(':
		return true
	}
	return false
}

func isString(kind byte) bool { return kind == '$' || kind == '=' || kind == '!' }

func (r *resp) begin(kind byte) error {
	switch kind {
	case '*', '~', '>', '%':
	case '|':
		if r.attribute > 0 || r.announced { // the client calls itself for each of a row
			return errNoAnswer
		}
	default:
		if !isText(kind) && !isString(kind) {
			return errNoAnswer
		}
	}
	r.kind, r.announced = kind, false
	return nil
}

// text reads on in a line that has all of its element, and returns how many bytes it has read.
func (r *resp) text(p []byte) (int, error) {
	n := bytes.IndexByte(p, '\n') + 1
	ends := n > 0
	if !ends {
		n = len(p)
	}
	if r.read += n; r.read > maxText {
		return 0, errTooLong
	}
	if ends {
		r.clear()
		r.end()
	}
	return n, nil
}

// header reads a byte of a length.
func (r *resp) header(b byte) error {
	switch {
	case r.ending && b == '\n':
		return r.announce()
	case r.ending:
		return errNoAnswer
	case b == '\r' && r.read > 0:
		r.ending = true
	case b == '-' && r.read == 0 && !r.negative:
		r.negative = true
	case '0' <= b && b <= '9' && r.read < maxDigits:
		r.read++
		r.length = 10*r.length + int(b-'0')
		switch {
		case isString(r.kind) && r.length > MaxValue:
			return errTooLong
		case !isString(r.kind) && r.length > maxElements:
			return errTooMany
		}
	default:
		return errNoAnswer
	}
	return nil
}

// announce takes in what a header says.
func (r *resp) announce() error {
	kind, n, none := r.kind, r.length, r.negative
	r.clear()
	switch {
	case none && (n != 1 || kind == '|'):
		return errNoAnswer
	case none:
		r.end()
	case isString(kind):
		r.skip = n + len("\r\n")
	default:
		return r.open(kind, n)
	}
	return nil
}

// open begins a list of n elements, or of n pairs.
func (r *resp) open(kind byte, n int) error {
	if kind == '%' || kind == '|' {
		n *= 2
	}
	switch {
	case n == 0 && kind == '|':
		r.announced = true
		return nil
	case n == 0:
		r.end()
		return nil
	case r.depth == maxDepth:
		return errTooDeep
	case r.elements+n > maxElements:
		return errTooMany
	}
	r.lists[r.depth] = n
	r.depth++
	r.elements += n
	if kind == '|' {
		r.attribute = r.depth
	}
	return nil
}

// end ends an element, and the lists whose last one it is.
func (r *resp) end() {
	for r.depth > 0 {
		r.elements--
		r.lists[r.depth-1]--
		if r.lists[r.depth-1] > 0 {
			return
		}
		r.depth--
		if r.attribute > r.depth { // no element of what it stands in
			r.attribute, r.announced = 0, true
			return
		}
	}
}

// clear forgets a line.
func (r *resp) clear() {
	r.kind, r.read, r.length, r.negative, r.ending = 0, 0, 0, false, false
}
