// Package strictjson parses JSON objects that people have written. It ignores nothing, and its errors give the place and
// contain no value.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Member is one key of a JSON object and its value.
type Member struct {
	Key   string          // decoded
	Value json.RawMessage // as in the text
	Start int             // offset of the member's beginning in the text
	End   int             // offset of its end
}

// Members splits the text of a JSON object into its members. A key may occur twice.
func Members(data []byte) ([]Member, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, syntaxError(data, err)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("the text is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if token, _ := dec.Token(); token != json.Delim('{') {
		return nil, errors.New("want a JSON object")
	}
	var list []Member
	for dec.More() {
		m := Member{Start: int(dec.InputOffset())}
		m.Start += bytes.IndexByte(data[m.Start:], '"')
		key, err := dec.Token()
		if err == nil {
			err = dec.Decode(&m.Value)
		}
		if err != nil {
			return nil, syntaxError(data, err)
		}
		m.Key, m.End = key.(string), int(dec.InputOffset())
		list = append(list, m)
	}
	return list, nil
}

func syntaxError(data []byte, err error) error {
	offset := len(data)
	if inner, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = min(int(inner.Offset), offset)
	}
	what := "not JSON"
	if strings.HasPrefix(err.Error(), "unexpected end") {
		what = "the JSON text is cut off"
	}
	return fmt.Errorf("%s (%s)", what, Place(data, max(offset-1, 0)))
}

// Place returns the line and column of data[offset]. Both start at one, and columns count characters.
func Place(data []byte, offset int) string {
	before := data[:offset]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte{'\n'})+1, utf8.RuneCount(line)+1)
}

// Printable shortens and cleans a key of unknown origin for a log line.
func Printable(key string) string {
	const most = 64
	if len(key) > most {
		key = strings.ToValidUTF8(key[:most], "") + "…"
	}
	quoted := strconv.Quote(key)
	return quoted[1 : len(quoted)-1]
}
