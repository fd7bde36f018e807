package driver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed1a8f7c28/session/internal/strictjson"
)

// ParseConfig reads config, a JSON object, into v, a pointer to a struct, for engines whose [Config.Config] is an
// object. It is as strict as session.ParseConfig; keys that config lacks leave their fields alone, and an empty config
// leaves all of v alone. Errors are a [*ConfigError] whose Field is providerConfig or providerConfig.key. They show no
// value, unless v has an UnmarshalJSON whose own *ConfigError does.
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
				return configErrorf("providerConfig."+strictjson.Printable(m.Key), "given twice (%s)", strictjson.Place(data, m.Start))
			}
		}
		// One member at a time: so each error can say which one it is about.
		object := fmt.Appendf(nil, "{%s}", data[m.Start:m.End])
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
func memberError(data []byte, m strictjson.Member, err error) error {
	field, at := "providerConfig."+strictjson.Printable(m.Key), strictjson.Place(data, m.Start)
	if inner, ok := errors.AsType[*ConfigError](err); ok {
		return configErrorf(field, "%w (%s)", inner.Err, at)
	}
	if inner, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if inner.Field != "" {
			field = "providerConfig." + strictjson.Printable(inner.Field)
		}
		return configErrorf(field, "want a value of type %v (%s)", inner.Type, at)
	}
	if inner, ok := errors.AsType[*json.InvalidUnmarshalError](err); ok {
		return configErrorf("providerConfig", "%w", inner)
	}
	if _, quoted, ok := strings.Cut(err.Error(), "unknown field "); ok {
		if key, _ := strconv.Unquote(quoted); key != m.Key {
			field += "." + strictjson.Printable(key)
		}
		return configErrorf(field, "unknown key (%s)", at)
	}
	return configErrorf(field, "the value is not of the right form (%s)", at)
}
