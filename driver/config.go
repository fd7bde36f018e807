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
				return configErrorf("providerConfig."+strictjson.Printable(m.Key), "given twice (%s)", strictjson.Place(data, m.Start))
			}
		}
		// Decoding one member at a time lets each error name its key.
		object := fmt.Appendf(nil, "{%s}", data[m.Start:m.End])
		dec := json.NewDecoder(bytes.NewReader(object))
		dec.DisallowUnknownFields()
		if err := dec.Decode(v); err != nil {
			return memberError(data, m, err)
		}
	}
	return nil
}

// memberError reports the error that encoding/json returned for a member of providerConfig. It leaves out encoding/json's
// own text, which may contain values.
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
