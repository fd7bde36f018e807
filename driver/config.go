package driver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/seed1a8f7c28/session/internal/strictjson"
)

// ParseConfig decodes config, a JSON object, into v, a pointer to a struct. It is for engines whose [Config.Config] is an
// object. It is as strict as session.ParseConfig. Fields whose keys are missing from config keep their values, and an empty
// config leaves v unchanged. Every error is a [*ConfigError] whose Field is providerConfig or providerConfig.key. It
// contains no value from config, unless v has an UnmarshalJSON method that returns a *ConfigError containing one.
func ParseConfig(config string, v any) error {
	if config == "" {
		return nil
	}
	data := []byte(config)
	list, err := strictjson.Members(data)
	if err != nil {
		return configErrorf("providerConfig", "%w", err)
	}
	for i, m := range list {
		for _, earlier := range list[:i] {
			if strings.EqualFold(earlier.Key, m.Key) {
				return configErrorf("providerConfig."+strictjson.Printable(m.Key), "given twice")
			}
		}
		// Decoding one member at a time lets each error name its key.
		object := fmt.Appendf(nil, "{%s}", data[m.Start:m.End])
		dec := json.NewDecoder(bytes.NewReader(object))
		dec.DisallowUnknownFields()
		if err := dec.Decode(v); err != nil {
			return memberError(m, v, err)
		}
	}
	return nil
}

// memberError reports the error that encoding/json returned for a member of providerConfig. It leaves out encoding/json's
// own text, which may contain values. It gives no position: the text of the file was another, before ${…} was replaced.
func memberError(m strictjson.Member, v any, err error) error {
	field := "providerConfig." + strictjson.Printable(m.Key)
	if inner, ok := errors.AsType[*ConfigError](err); ok {
		return configErrorf(field, "%w", inner.Err)
	}
	if inner, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if _, further, ok := strings.Cut(inner.Field, "."); ok { // the names after m.Key are those of the struct
			field += "." + strictjson.Printable(further)
		}
		return configErrorf(field, "want a value of type %v", inner.Type)
	}
	if inner, ok := errors.AsType[*json.InvalidUnmarshalError](err); ok {
		return configErrorf("providerConfig", "%w", inner)
	}
	if _, quoted, ok := strings.Cut(err.Error(), "unknown field "); ok {
		keys := keysOf(reflect.TypeOf(v))
		if len(keys) > 0 && !slices.ContainsFunc(keys, func(key string) bool { return strings.EqualFold(key, m.Key) }) {
			return configErrorf(field, "unknown key; %s", strictjson.Suggest(m.Key, keys))
		}
		if key, _ := strconv.Unquote(quoted); key != m.Key || len(keys) > 0 { // in the object that is the value
			field += "." + strictjson.Printable(key)
		}
		return configErrorf(field, "unknown key")
	}
	return configErrorf(field, "the value is not of the right form")
}

// keysOf returns the keys that encoding/json knows for a pointer to a struct.
func keysOf(t reflect.Type) (keys []string) {
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t.Elem()) {
		tag := f.Tag.Get("json")
		key, _, _ := strings.Cut(tag, ",")
		if f.IsExported() && tag != "-" && (key != "" || !f.Anonymous) {
			keys = append(keys, cmp.Or(key, f.Name))
		}
	}
	return keys
}
