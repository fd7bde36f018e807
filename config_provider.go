package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ParseProviderConfig reads config, a JSON object, into v, a pointer to a struct, for providers whose
// providerConfig is an object. It is as strict as [ParseConfig]; keys that config lacks leave their
// fields alone, and an empty config leaves all of v alone. Errors are a [*ConfigError] whose Field is
// providerConfig or providerConfig.key. They show no value, unless v has an UnmarshalJSON whose own
// *ConfigError does.
func ParseProviderConfig(config string, v any) error {
	if config == "" {
		return nil
	}
	data := []byte(config)
	list, err := members("providerConfig", data)
	if err != nil {
		return err
	}
	for i, m := range list {
		for _, earlier := range list[:i] {
			if strings.EqualFold(earlier.key, m.key) {
				return configErrorf("providerConfig."+printable(m.key), "given twice (%s)", place(data, m.start))
			}
		}
		// One member at a time: so each error can say which one it is about.
		object := fmt.Appendf(nil, "{%s}", data[m.start:m.end])
		dec := json.NewDecoder(bytes.NewReader(object))
		dec.DisallowUnknownFields()
		if err := dec.Decode(v); err != nil {
			return memberError(data, m, err)
		}
	}
	return nil
}

// memberError says what encoding/json has against a member of providerConfig, without the values that
// its own words may hold.
func memberError(data []byte, m member, err error) error {
	field, at := "providerConfig."+printable(m.key), place(data, m.start)
	if inner, ok := errors.AsType[*ConfigError](err); ok {
		return configErrorf(field, "%w (%s)", inner.Err, at)
	}
	if inner, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if inner.Field != "" {
			field = "providerConfig." + printable(inner.Field)
		}
		return configErrorf(field, "want a value of type %v (%s)", inner.Type, at)
	}
	if inner, ok := errors.AsType[*json.InvalidUnmarshalError](err); ok {
		return configErrorf("providerConfig", "%w", inner)
	}
	if _, quoted, ok := strings.Cut(err.Error(), "unknown field "); ok {
		if key, _ := strconv.Unquote(quoted); key != m.key {
			field += "." + printable(key)
		}
		return configErrorf(field, "unknown key (%s)", at)
	}
	return configErrorf(field, "the value is not of the right form (%s)", at)
}
