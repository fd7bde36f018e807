package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A member of a JSON object stands in its text from start to end, key and value.
type member struct {
	key        string
	value      json.RawMessage
	start, end int
}

// members splits the text of a JSON object. Errors name field.
func members(field string, data []byte) ([]member, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, syntaxError(field, data, err)
	}
	if !utf8.Valid(data) {
		return nil, configErrorf(field, "the text is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if token, _ := dec.Token(); token != json.Delim('{') {
		return nil, configErrorf(field, "want a JSON object")
	}
	var list []member
	for dec.More() {
		m := member{start: int(dec.InputOffset())}
		m.start += bytes.IndexByte(data[m.start:], '"')
		key, err := dec.Token()
		if err == nil {
			err = dec.Decode(&m.value)
		}
		if err != nil {
			return nil, syntaxError(field, data, err)
		}
		m.key, m.end = key.(string), int(dec.InputOffset())
		list = append(list, m)
	}
	return list, nil
}

func syntaxError(field string, data []byte, err error) error {
	offset := len(data)
	if inner, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = min(int(inner.Offset), offset)
	}
	what := "not JSON"
	if strings.HasPrefix(err.Error(), "unexpected end") {
		what = "the JSON text is cut off"
	}
	return configErrorf(field, "%s (%s)", what, place(data, max(offset-1, 0)))
}

// place says where data[offset] stands. Columns count characters.
func place(data []byte, offset int) string {
	before := data[:offset]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte{'\n'})+1, utf8.RuneCount(line)+1)
}

// printable cuts a key of unknown origin to what fits in a line of a log.
func printable(key string) string {
	const most = 64
	if len(key) > most {
		key = strings.ToValidUTF8(key[:most], "") + "…"
	}
	quoted := strconv.Quote(key)
	return quoted[1 : len(quoted)-1]
}
