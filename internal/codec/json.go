package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonCodec stores the values as one JSON object (RFC 8259), for readers in other languages. Keys are strings. JSON does
// not know Go's types: a decoded value is nil, a bool, int64, uint64, float64, string, []any or map[string]any. A []byte
// becomes a string in base64, and a time.Time a string in RFC 3339.
type jsonCodec struct{}

var (
	errJSON     = corruptf("the values are not a JSON object")
	errJSONKey  = errors.New("the json codec accepts only keys of type string")
	errJSONText = errors.New("the key is not UTF-8, which JSON cannot hold")
)

func (jsonCodec) ID() byte { return 'j' }

// Seeks implements [Codec].
func (jsonCodec) Seeks() bool { return false }

// KeepsTypes implements [Codec].
func (jsonCodec) KeepsTypes() bool { return false }

// AppendKey implements [Codec].
func (jsonCodec) AppendKey(dst []byte, key any) ([]byte, error) {
	text, ok := key.(string)
	switch {
	case !ok:
		return dst, unencodablef("key of type %T: %w", key, errJSONKey)
	case !utf8.ValidString(text):
		return dst, unencodablef("%w", errJSONText)
	}
	return AppendKey(dst, key)
}

// AppendValue implements [Codec].
func (c jsonCodec) AppendValue(dst []byte, v any) (enc []byte, err error) {
	defer func() {
		if recover() != nil { // a method of the value has panicked, and the text of the panic may contain the value
			enc, err = dst, unencodablef("encoding a value of type %T panics", v)
		}
	}()
	methods, err := walkJSON(v)
	if err != nil {
		return dst, err
	}
	if enc, err = appendJSON(dst, v); err != nil { // the error may contain the value
		return dst, errJSONValue(reflect.TypeOf(v))
	}
	if methods && !isJSON(enc[len(dst):]) {
		return dst, errJSONValue(reflect.TypeOf(v))
	}
	return enc, nil
}

func errJSONValue(t reflect.Type) error {
	return unencodablef("a value of type %v has no form in JSON", t)
}

func appendJSON(dst []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Value implements [Codec].
func (jsonCodec) Value(enc string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(enc))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, errJSON
	}
	return fromJSON(v, 0)
}

// fromJSON gives each number a type that depends only on its form. It returns an error for values that are nested more
// deeply than AppendValue permits.
func fromJSON(v any, depth int) (_ any, err error) {
	if depth > maxValueDepth {
		return nil, errValue
	}
	switch v := v.(type) {
	case json.Number:
		return jsonNumber(v.String())
	case []any:
		for i := range v {
			if v[i], err = fromJSON(v[i], depth+1); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = fromJSON(v[k], depth+1); err != nil {
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

// members returns the encoded values by name.
func (jsonCodec) members(data string) (map[string]json.RawMessage, error) {
	members := make(map[string]json.RawMessage)
	if len(data) == 0 {
		return members, nil
	}
	if err := json.Unmarshal([]byte(data), &members); err != nil || members == nil {
		return nil, errJSON
	}
	return members, nil
}

// Get implements [Codec].
func (c jsonCodec) Get(data string, key []byte) (v any, ok bool, err error) {
	members, err := c.members(data)
	if err != nil || len(key) == 0 || valueKind(key[0]) != kindString {
		return nil, false, err
	}
	enc, ok := members[string(key[1:])]
	if !ok {
		return nil, false, nil
	}
	v, err = c.Value(string(enc))
	return v, err == nil, err
}

// Visit implements [Codec]. It calls f in the order of the keys.
func (c jsonCodec) Visit(data string, f func(key, value any) bool) error {
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
		v, err := c.Value(string(members[key]))
		if err != nil {
			return err
		}
		if !f(key, v) {
			break
		}
	}
	return nil
}

// Check implements [Codec].
func (jsonCodec) Check(data string) error {
	if len(data) > 0 && (!json.Valid([]byte(data)) || !utf8.ValidString(data) || strings.TrimLeft(data, " \t\r\n")[0] != '{') {
		return errJSON
	}
	return nil
}

// Apply implements [Codec].
func (c jsonCodec) Apply(head int, data string, changes []Change) ([]byte, error) {
	members, err := c.members(data)
	if err != nil {
		return nil, err
	}
	for _, ch := range changes {
		if valueKind(ch.Key[0]) != kindString {
			return nil, unencodablef("%w", errJSONKey)
		}
		if ch.Value == nil {
			delete(members, string(ch.Key[1:]))
		} else {
			members[string(ch.Key[1:])] = ch.Value
		}
	}
	out := make([]byte, head)
	if len(members) == 0 {
		return out, nil
	}
	if out, err = appendJSON(out, members); err != nil {
		return nil, errJSON
	}
	return out, nil
}
