package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/internal/strictjson"
)

// configFields are the settings that JSON can set: the key, and where the value goes. The type of the pointer decides which
// forms of a value setField and wantedForm accept.
var configFields = []configField{
	{"enableSetCookie", func(c *ManagerConfig) any { return &c.EnableSetCookie }},
	{"disableHTTPOnly", func(c *ManagerConfig) any { return &c.DisableHTTPOnly }},
	{"secure", func(c *ManagerConfig) any { return &c.Secure }},
	{"EnableSidInHTTPHeader", func(c *ManagerConfig) any { return &c.EnableSidInHTTPHeader }},
	{"EnableSidInURLQuery", func(c *ManagerConfig) any { return &c.EnableSidInURLQuery }},
	{"cookieName", func(c *ManagerConfig) any { return &c.CookieName }},
	{"gclifetime", func(c *ManagerConfig) any { return (*seconds)(&c.Gclifetime) }},
	{"maxLifetime", func(c *ManagerConfig) any { return (*seconds)(&c.Maxlifetime) }},
	{"cookieLifeTime", func(c *ManagerConfig) any { return (*cookieSeconds)(&c.CookieLifeTime) }},
	{"providerConfig", func(c *ManagerConfig) any { return (*providerText)(&c.ProviderConfig) }},
	{"domain", func(c *ManagerConfig) any { return &c.Domain }},
	{"sessionIDLength", func(c *ManagerConfig) any { return &c.SessionIDLength }},
	{"SessionNameInHTTPHeader", func(c *ManagerConfig) any { return &c.SessionNameInHTTPHeader }},
	{"sessionIDPrefix", func(c *ManagerConfig) any { return &c.SessionIDPrefix }},
	{"cookieSameSite", func(c *ManagerConfig) any { return &c.CookieSameSite }},
	{"provider", func(c *ManagerConfig) any { return &c.Provider }},
	{"cookiePath", func(c *ManagerConfig) any { return &c.CookiePath }},
	{"crossSiteCookies", func(c *ManagerConfig) any { return &c.CrossSiteCookies }},
	{"partitioned", func(c *ManagerConfig) any { return &c.Partitioned }},
	{"absoluteLifetime", func(c *ManagerConfig) any { return &c.AbsoluteLifetime }},
	{"touchInterval", func(c *ManagerConfig) any { return &c.TouchInterval }},
	{"markLifetime", func(c *ManagerConfig) any { return &c.MarkLifetime }},
	{"sweepInterval", func(c *ManagerConfig) any { return &c.SweepInterval }},
	{"opTimeout", func(c *ManagerConfig) any { return &c.OpTimeout }},
	{"maxBytes", func(c *ManagerConfig) any { return &c.MaxBytes }},
	{"maxPerUser", func(c *ManagerConfig) any { return &c.MaxPerUser }},
	{"onLimit", func(c *ManagerConfig) any { return &c.OnLimit }},
	{"lazy", func(c *ManagerConfig) any { return &c.Lazy }},
	{"codec", func(c *ManagerConfig) any { return &c.Codec }},
	{"encryptionKeys", func(c *ManagerConfig) any { return &c.EncryptionKeys }},
	{"namespace", func(c *ManagerConfig) any { return &c.Namespace }},
	{"beego", func(c *ManagerConfig) any { return &c.Beego }},
	{"disableCacheHeaders", func(c *ManagerConfig) any { return &c.DisableCacheHeaders }},
	{"trustedProxies", func(c *ManagerConfig) any { return &c.TrustedProxies }},
}

type (
	configField struct {
		key string
		at  func(c *ManagerConfig) any
	}

	seconds       int64
	cookieSeconds int
	providerText  string
)

// ParseConfig reads a config from a JSON object. The case of a key does not matter. A key whose value is null is treated as
// absent. EnableSetCookie is true unless the JSON says otherwise. A time is a number of seconds or a string such as "12h".
// providerConfig is a string or an object. cookieSameSite is a number or one of "lax", "strict", "none" and "default".
//
// In providerConfig and encryptionKeys, ${NAME} stands for an environment variable, ${file:/path} for the text of a file
// without its last line break, and $${ for ${ itself.
//
// Errors are a [*ConfigError] that shows no value. A key that is unknown or given twice and a value of the wrong type are
// errors. Whether the values are allowed is checked when the [Manager] is made.
func ParseConfig(data []byte) (*ManagerConfig, error) {
	c := NewManagerConfig()
	// Some editors begin a file with a mark that is no part of its text.
	if err := c.read(bytes.TrimPrefix(data, []byte("\uFEFF"))); err != nil {
		return nil, err
	}
	if err := c.expand(); err != nil {
		return nil, err
	}
	return c, nil
}

// LoadConfig is [ParseConfig] for the file at path. Its errors name the path.
func LoadConfig(path string) (*ManagerConfig, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("session: config: %w", err)
	}
	c, err := ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// expand replaces ${…} in the settings that hold secrets.
func (c *ManagerConfig) expand() (err error) {
	if c.ProviderConfig, err = strictjson.Expand(c.ProviderConfig); err != nil {
		return configErrorf("providerConfig", "%w", err)
	}
	for i, key := range c.EncryptionKeys {
		if c.EncryptionKeys[i], err = strictjson.ExpandText(key); err != nil {
			return configErrorf("encryptionKeys", "%w", err)
		}
	}
	return nil
}

// UnmarshalJSON reads the same JSON as [ParseConfig], for [json.Unmarshal]. The differences: fields whose keys are absent
// stay as they are, including EnableSetCookie, and ${NAME} is not replaced. After an error c is unchanged.
func (c *ManagerConfig) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	read := *c
	if err := read.read(data); err != nil {
		return err
	}
	*c = read
	return nil
}

// read sets the fields of c whose keys the JSON object has. It never writes into a slice that c had before.
func (c *ManagerConfig) read(data []byte) error {
	list, err := strictjson.Members(data)
	if err != nil {
		return configErrorf("json", "%w", err)
	}
	given := make(map[string]bool)
	for _, m := range list {
		f, ok := lookUpField(m.Key)
		if field, ok := goOnly(m.Key); ok {
			return configErrorf(field, "can be set only in Go code: set ManagerConfig.%s (%s)", field, strictjson.Place(data, m.Start))
		}
		if isOfBeego1(m.Key) {
			return configErrorf(m.Key, "a key of beego 1 that has had no effect since beego 2: remove it (%s)", strictjson.Place(data, m.Start))
		}
		if !ok {
			return configErrorf(strictjson.Printable(m.Key), "unknown key (%s); %s", strictjson.Place(data, m.Start), strictjson.Suggest(m.Key, configKeys()))
		}
		if given[f.key] {
			return configErrorf(f.key, "given twice (%s)", strictjson.Place(data, m.Start))
		}
		given[f.key] = true
		if string(m.Value) == "null" {
			continue
		}
		dst := f.at(c)
		if err := setField(dst, m.Value); err != nil {
			return configErrorf(f.key, "want %s (%s)", wantedForm(dst), strictjson.Place(data, m.Start))
		}
	}
	return nil
}

func lookUpField(key string) (configField, bool) {
	// beego's documentation prints a struct tag as the key.
	if strings.EqualFold(key, "enableSetCookie,omitempty") {
		key = "enableSetCookie"
	}
	for _, f := range configFields {
		if strings.EqualFold(f.key, key) {
			return f, true
		}
	}
	return configField{}, false
}

// goOnly returns the field that a key means, if only Go code can set it.
func goOnly(key string) (field string, ok bool) {
	f, ok := reflect.TypeFor[ManagerConfig]().FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, key) })
	return f.Name, ok && f.Tag.Get("json") == "-"
}

// isOfBeego1 reports whether a key is one that beego 2 silently ignores, as it does all keys that it does not know.
func isOfBeego1(key string) bool {
	return strings.EqualFold(key, "sessionIDHashFunc") || strings.EqualFold(key, "sessionIDHashKey")
}

func configKeys() (keys []string) {
	for _, f := range configFields {
		keys = append(keys, f.key)
	}
	return keys
}

// setField sets dst, a pointer of configFields. Its errors may show the value: see wantedForm.
func setField(dst any, value json.RawMessage) (err error) {
	switch dst := dst.(type) {
	case *time.Duration:
		*dst, err = readDuration(value)
	case *seconds:
		*dst, err = readSeconds[seconds](value)
	case *cookieSeconds:
		*dst, err = readSeconds[cookieSeconds](value)
	case *http.SameSite:
		*dst, err = readSameSite(value)
	case *providerText:
		*dst, err = readProviderText(value)
	case *[]string:
		*dst, err = readStrings(value)
	default:
		err = json.Unmarshal(value, dst)
	}
	return err
}

// wantedForm says which values setField takes for dst.
func wantedForm(dst any) string {
	switch dst.(type) {
	case *bool:
		return "true or false"
	case *int, *int64:
		return "a whole number"
	case *time.Duration:
		return `a number of seconds without quotes, or a string such as "12h", or "720h" for 30 days`
	case *seconds, *cookieSeconds:
		return `a whole number of seconds without quotes, or a string such as "12h", or "720h" for 30 days`
	case *http.SameSite:
		return `"lax", "strict", "none", "default" or a number`
	case *providerText:
		return "a string or an object"
	case *[]string:
		return "a list of strings"
	default:
		return "a string"
	}
}

func readDuration(value json.RawMessage) (time.Duration, error) {
	// A number in JSON, unless it has an exponent, is one in a duration too.
	text := string(value) + "s"
	if value[0] == '"' {
		if err := json.Unmarshal(value, &text); err != nil {
			return 0, err
		}
	}
	return time.ParseDuration(text)
}

func readSeconds[T seconds | cookieSeconds](value json.RawMessage) (T, error) {
	d, err := readDuration(value)
	n := T(d / time.Second)
	if err == nil && time.Duration(n)*time.Second != d {
		err = errors.New("not whole seconds, or too many")
	}
	return n, err
}

func readSameSite(value json.RawMessage) (mode http.SameSite, err error) {
	if value[0] != '"' {
		return mode, json.Unmarshal(value, &mode)
	}
	var word string
	if err := json.Unmarshal(value, &word); err != nil {
		return 0, err
	}
	switch strings.ToLower(word) {
	case "default":
		return http.SameSiteDefaultMode, nil
	case "lax":
		return http.SameSiteLaxMode, nil
	case "strict":
		return http.SameSiteStrictMode, nil
	case "none":
		return http.SameSiteNoneMode, nil
	}
	return 0, errors.New("no such word")
}

func readStrings(value json.RawMessage) ([]string, error) {
	var list []*string
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, err
	}
	var texts []string
	for _, text := range list {
		if text == nil {
			return nil, errors.New("null is not a string")
		}
		texts = append(texts, *text)
	}
	return texts, nil
}

func readProviderText(value json.RawMessage) (providerText, error) {
	if value[0] != '{' {
		var text string
		err := json.Unmarshal(value, &text)
		return providerText(text), err
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, value)
	return providerText(compact.String()), err
}

// MarshalJSON writes all fields in the form that [ManagerConfig.UnmarshalJSON] reads, including the secrets. It leaves out
// the fields that only Go code can set, such as Logger and the event handlers.
func (c ManagerConfig) MarshalJSON() ([]byte, error) {
	type fields ManagerConfig
	return json.Marshal(struct {
		fields
		AbsoluteLifetime string `json:"absoluteLifetime"`
		TouchInterval    string `json:"touchInterval"`
		MarkLifetime     string `json:"markLifetime"`
		SweepInterval    string `json:"sweepInterval"`
		OpTimeout        string `json:"opTimeout"`
	}{
		fields(c), c.AbsoluteLifetime.String(), c.TouchInterval.String(), c.MarkLifetime.String(), c.SweepInterval.String(),
		c.OpTimeout.String(),
	})
}

// String lists the settings that are not zero. It shows ProviderConfig and EncryptionKeys as ***. Fields that only Go code
// can set are left out.
func (c ManagerConfig) String() string { return "ManagerConfig" + c.LogValue().String() }

// GoString returns the same as String, so that %#v hides the secrets too.
func (c ManagerConfig) GoString() string { return c.String() }

// LogValue returns the settings that String shows as a group, for log/slog.
func (c ManagerConfig) LogValue() slog.Value {
	if c.ProviderConfig != "" {
		c.ProviderConfig = "***"
	}
	if len(c.EncryptionKeys) > 0 {
		c.EncryptionKeys = []string{"***"}
	}
	var attrs []slog.Attr
	for _, f := range configFields {
		if v := reflect.ValueOf(f.at(&c)).Elem(); !v.IsZero() {
			attrs = append(attrs, slog.Any(f.key, v.Interface()))
		}
	}
	return slog.GroupValue(attrs...)
}
