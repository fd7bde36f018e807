package framing

import "bytes"

const (
	// maxElements limits the elements of an answer, including nested lists, that are still to come: 64 MiB in the client,
	// at 16 bytes each.
	maxElements = 4 << 20
	// maxDepth limits the nesting of lists. The client recurses for each level.
	maxDepth = 32
	// maxText limits a line that is not a header.
	maxText = 64 << 10
	// maxDigits limits the digits of a length.
	maxDigits = 20
)

// A resp parses RESP2 and RESP3 (https://redis.io/docs/latest/develop/reference/protocol-spec/). The start of an element
// does not depend on what contains it.
type resp struct {
	skip int  // remaining bytes of a string and of its line end
	kind byte // first byte of the current line, or 0

	read     int // bytes read of a text line, or digits of a length
	length   int
	negative bool
	ending   bool // the next byte ends the line

	lists     [maxDepth]int // remaining elements of each list, the innermost last
	depth     int
	elements  int  // the sum of lists
	attribute int  // the depth of an open attribute, or 0
	announced bool // an attribute has ended; the element that it describes follows
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
		if r.attribute > 0 || r.announced { // the client recurses for each attribute in a row
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

// text continues a line that contains its whole element. It returns how many bytes it has read.
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

// header reads one byte of a length.
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

// announce handles a complete header.
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

// open begins a list of n elements or n pairs.
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

// end ends an element, and each list of which it is the last element.
func (r *resp) end() {
	for r.depth > 0 {
		r.elements--
		r.lists[r.depth-1]--
		if r.lists[r.depth-1] > 0 {
			return
		}
		r.depth--
		if r.attribute > r.depth { // an attribute is not an element of the list that contains it
			r.attribute, r.announced = 0, true
			return
		}
	}
}

// clear resets the state of a line.
func (r *resp) clear() {
	r.kind, r.read, r.length, r.negative, r.ending = 0, 0, 0, false, false
}
