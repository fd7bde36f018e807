package framing

import "bytes"

// A memcached parses the text protocol (doc/protocol.txt of memcached). Answers are lines. The bytes of a value follow a
// line VALUE <key> <flags> <bytes> [<cas>].
type memcached struct {
	skip int // remaining bytes of a value and of its line end

	read   int  // bytes of "VALUE " read
	other  bool // the line is of another kind
	spaces int
	length int
	digits bool
	ending bool // the next byte ends the line
}

const (
	value = "VALUE "

	// The number of spaces before a part of the line.
	ofLength = 3
	ofUnique = 4
)

func (m *memcached) scan(p []byte) error {
	for len(p) > 0 {
		n, err := 1, error(nil)
		switch {
		case m.skip > 0:
			n = min(m.skip, len(p))
			m.skip -= n
		case m.other || m.spaces == ofUnique:
			n = m.rest(p)
		default:
			err = m.header(p[0])
		}
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// rest skips the irrelevant remainder of a line. It returns how many bytes it has read.
func (m *memcached) rest(p []byte) int {
	n := bytes.IndexByte(p, '\n') + 1
	if n == 0 {
		return len(p)
	}
	m.end()
	return n
}

// header reads a byte of a line that may announce a value, up to the length.
func (m *memcached) header(b byte) error {
	switch {
	case m.ending && b == '\n':
		m.end()
	case m.ending:
		return errNoAnswer
	case m.spaces < ofLength && b == '\n':
		m.end() // the client does not take this line for one that announces a value
	case m.read < len(value) && b != value[m.read]:
		m.other = true
	case b == ' ' && (m.spaces < ofLength || m.digits):
		m.read++
		m.spaces++
	case m.spaces < ofLength:
		m.read++
	case '0' <= b && b <= '9':
		m.digits = true
		if m.length = 10*m.length + int(b-'0'); m.length > MaxValue {
			return errTooLong
		}
	case b == '\r' && m.digits:
		m.ending = true
	default:
		return errNoAnswer
	}
	return nil
}

// end ends a line.
func (m *memcached) end() {
	skip := 0
	if m.digits {
		skip = m.length + len("\r\n")
	}
	*m = memcached{skip: skip}
}
