package fakessdb

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
)

// maxPacket is how large a request may be in SSDB's own protocol. The Redis side of SSDB has no such check.
const maxPacket = 128 << 20

// maxHead is how long the line with the size of a block may be, its newline included.
const maxHead = 19

var errMalformed = errors.New("malformed request")

// A conn is the state of one connection.
type conn struct {
	in         *bufio.Reader
	authorized bool
	name       string // of the last request, as the client sent it

	// A connection that has once spoken Redis is answered in that protocol for good.
	redis   bool
	command *redisCommand // what the last Redis request was; nil if the table does not have it
	words   []string      // the last Redis request, translated
}

// read returns the words of the next request, those of a Redis request translated to SSDB's.
func (c *conn) read() ([]string, error) {
	first, err := c.skipBlank()
	if err != nil {
		return nil, err
	}
	if first != '*' {
		words, err := readBlocks(c.in)
		if err == nil {
			c.name = words[0]
		}
		return words, err
	}
	words, err := readRedis(c.in)
	if err != nil {
		return nil, err
	}
	c.redis = true
	c.name = lower(words[0])
	words[0] = c.name
	c.words, c.command = translate(words)
	return c.words, nil
}

// skipBlank passes over empty lines and returns the first byte of the request, unread.
func (c *conn) skipBlank() (byte, error) {
	for {
		b, err := c.in.ReadByte()
		if err != nil {
			return 0, err
		}
		if b != '\r' && b != '\n' {
			return b, c.in.UnreadByte()
		}
	}
}

// readBlocks reads a request of SSDB's own protocol: blocks of a line with the size, the data and a newline, then an empty line.
func readBlocks(in *bufio.Reader) ([]string, error) {
	var words []string
	for total := 0; ; {
		head, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if string(head) == "\n" || string(head) == "\r\n" {
			return words, nil
		}
		if head[0] < '0' || head[0] > '9' || len(head) > maxHead {
			return nil, errMalformed
		}
		size, _ := number(string(head))
		word, err := readWord(in, size)
		if err != nil {
			return nil, err
		}
		end, err := in.ReadByte()
		if err == nil && end == '\r' {
			end, err = in.ReadByte()
		}
		if err != nil {
			return nil, err
		}
		total += len(head) + len(word) + 1
		if end != '\n' || total > maxPacket {
			return nil, errMalformed
		}
		words = append(words, word)
	}
}

// readWord reads size bytes. It allocates what arrives, not what a client announces.
func readWord(in *bufio.Reader, size int64) (string, error) {
	// SSDB keeps sizes in 32 bits. A greater one turns negative, or into some other size.
	n := int32(size)
	if n < 0 {
		return "", errMalformed
	}
	var data bytes.Buffer
	if _, err := io.CopyN(&data, in, int64(n)); err != nil {
		return "", err
	}
	return data.String(), nil
}

// reply writes down a response in the protocol of the connection.
func (c *conn) reply(resp response) []byte {
	if c.redis {
		return appendRedis(nil, c.command, c.words, resp)
	}
	var out []byte
	for _, word := range resp {
		out = strconv.AppendInt(out, int64(len(word)), 10)
		out = append(out, '\n')
		out = append(out, word...)
		out = append(out, '\n')
	}
	return append(out, '\n')
}

// number reads an integer as C's strtoll does: after white space, up to the first byte that is no digit, and limited to
// 64 bits. It reports whether that was all of the string. Most commands do not ask, so garbage counts as zero.
func number(s string) (n int64, whole bool) {
	digits, negative, end := digitsOf(s)
	u, err := strconv.ParseUint(digits, 10, 64)
	whole = end == len(s)
	switch {
	case digits == "":
		return 0, whole
	case negative && (err != nil || u > 1<<63):
		return math.MinInt64, whole
	case negative:
		return -int64(u), whole
	case err != nil || u > math.MaxInt64:
		return math.MaxInt64, whole
	}
	return int64(u), whole
}

// unsigned reads a limit as C's strtoull does. A negative number wraps, so -1 is no limit.
func unsigned(s string) uint64 {
	digits, negative, _ := digitsOf(s)
	u, err := strconv.ParseUint(digits, 10, 64)
	switch {
	case digits == "":
		return 0
	case err != nil:
		return math.MaxUint64
	case negative:
		return -u
	}
	return u
}

// digitsOf finds the digits at the start of s, whether a minus is before them, and where they end: at 0 if there are none.
func digitsOf(s string) (digits string, negative bool, end int) {
	i := 0
	for i < len(s) && (s[i] == ' ' || s[i] >= '\t' && s[i] <= '\r') {
		i++
	}
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		negative = s[i] == '-'
		i++
	}
	start := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == start {
		return "", false, 0
	}
	return s[start:i], negative, i
}

// lower changes ASCII letters only. Names may be any bytes, which strings.ToLower would damage.
func lower(s string) string {
	b := []byte(s)
	for i, ch := range b {
		if 'A' <= ch && ch <= 'Z' {
			b[i] = ch + 'a' - 'A'
		}
	}
	return string(b)
}
