package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// jsonCodec keeps the values as one JSON object (RFC 8259), for readers in other languages. Keys are strings.
// JSON does not know Go's types: what is read back is a nil, bool, int64, uint64 or float64, string, []any or
// map[string]any. A []byte becomes a string in base64, a time.Time one in RFC 3339.
type jsonCodec struct{}

var (
	errJSON    = corruptf("the values are not a JSON object")
	errJSONKey = errors.New("the json codec takes keys of type string alone")
)

func (jsonCodec) id() byte { return 'j' }

// appendKey implements [codec].
func (jsonCodec) appendKey(dst []byte, key any) ([]byte, error) {
	if _, ok := key.(string); !ok {
		return dst, unencodablef("key of type %T: %w", key, errJSONKey)
	}
	return appendKey(dst, key)
}

// appendValue implements [codec].
func (jsonCodec) appendValue(dst []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // which may show the value
		return dst, unencodablef("a value of type %T has no form in JSON", v)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// value implements [codec].
func (jsonCodec) value(enc []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(enc))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, errJSON
	}
	return fromJSON(v)
}

// fromJSON gives numbers a type: the same for every number of one form, whoever wrote it.
func fromJSON(v any) (_ any, err error) {
	switch v := v.(type) {
	case json.Number:
		return jsonNumber(v.String())
	case []any:
		for i := range v {
			if v[i], err = fromJSON(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = fromJSON(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func jsonNumber(text string) (any, error) {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
		if u, err := strconv.ParseUint(text, 10, 64); err == nil {
			return u, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errJSON
	}
	return f, nil
}

// members returns the encoded values by their names.
func (jsonCodec) members(data []byte) (map[string]json.RawMessage, error) {
	members := make(map[string]json.RawMessage)
	if len(data) == 0 {
		return members, nil
	}
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return nil, errJSON
	}
	return members, nil
}

// get implements [codec].
func (c jsonCodec) get(data, key []byte) (v any, ok bool, err error) {
	members, err := c.members(data)
	if err != nil || len(key) == 0 || valueKind(key[0]) != kindString {
		return nil, false, err
	}
	enc, ok := members[string(key[1:])]
	if !ok {
		return nil, false, nil
	}
	v, err = c.value(enc)
	return v, err == nil, err
}

// visit implements [codec]. It calls f in the order of the keys.
func (c jsonCodec) visit(data []byte, f func(key, value any) bool) error {
	members, err := c.members(data)
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(members))
	for key := range members {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		v, err := c.value(members[key])
		if err != nil {
			return err
		}
		if !f(key, v) {
			break
		}
	}
	return nil
}

// check implements [codec].
func (jsonCodec) check(data []byte) error {
	if len(data) > 0 && (!json.Valid(data) || bytes.TrimLeft(data, " \t\r\n")[0] != '{') {
		return errJSON
	}
	return nil
}

// apply implements [codec].
func (c jsonCodec) apply(head int, data []byte, changes []change) ([]byte, error) {
	members, err := c.members(data)
	if err != nil {
		return nil, err
	}
	for _, ch := range changes {
		if valueKind(ch.key[0]) != kindString {
			return nil, unencodablef("%w", errJSONKey)
		}
		if ch.value == nil {
			delete(members, string(ch.key[1:]))
		} else {
			members[string(ch.key[1:])] = ch.value
		}
	}
	out := make([]byte, head)
	if len(members) == 0 {
		return out, nil
	}
	return c.appendValue(out, members)
}
