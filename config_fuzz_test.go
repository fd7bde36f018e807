package session

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// FuzzParseConfig holds ParseConfig and resolve to what they promise of any input: no panic, errors that
// name a field and show no value, and settings that resolve to themselves.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"cookieName":"gosessionid", "enableSetCookie,omitempty": true, "gclifetime":3600, ` +
		`"maxLifetime": "1h", "secure": false, "cookieLifeTime": 3600, "providerConfig": ""}`))
	f.Add([]byte(`{"providerConfig": {"addr": "a", "b": ["$${", {"c": null}]}, "providerconfig": 1}`))
	f.Add([]byte(`{"providerConfig": "{\"securityKey\": \"${SESSION_TEST_UNSET}\"}"}`))
	f.Add([]byte(`{"encryptionKeys": ["a", "${"], "trustedProxies": ["10.0.0.0/8", "::1"], "codec": "gob"}`))
	f.Add([]byte(`{"touchInterval": -1, "opTimeout": 1.5, "absoluteLifetime": "1h", "cookieSameSite": "none"}`))
	f.Add([]byte(`{"cookieName": "__Host-s", "secure": true, "domain": ".a.b", "cookiePath": "/a", "beego": true}`))
	for _, tt := range settingForms {
		f.Add([]byte("{" + tt.json + "}"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "file:") {
			t.Skip("would read files")
		}
		checkConfig(t, data)
		if marked, ok := markStrings(data); ok {
			checkConfig(t, marked)
		}
	})
}

func checkConfig(t *testing.T, data []byte) {
	t.Helper()
	c, err := ParseConfig(data)
	if err != nil {
		checkConfigError(t, data, err)
		return
	}
	if strings.Contains(string(data), configCanary) && strings.Contains(c.String(), configCanary) != shownCanary(c) {
		t.Errorf("ParseConfig(%s).String(): %s", data, c)
	}
	s, err := c.resolve()
	if err != nil {
		checkConfigError(t, data, err)
		return
	}
	again, err := c.resolve()
	if err != nil || !reflect.DeepEqual(again, s) {
		t.Errorf("ParseConfig(%s) resolves to\n%+v, then to\n%+v, %v", data, s, again, err)
	}
	s.warnings = nil // what they are about is said now
	again, err = s.ManagerConfig.resolve()
	if err != nil || !reflect.DeepEqual(again, s) {
		t.Errorf("ParseConfig(%s) resolves to\n%+v, that to\n%+v, %v", data, s, again, err)
	}
}

// shownCanary reports whether a setting that is no secret holds the canary.
func shownCanary(c *ManagerConfig) bool {
	open := *c
	open.ProviderConfig, open.EncryptionKeys = "", nil
	text, err := json.Marshal(open)
	return err == nil && strings.Contains(string(text), configCanary)
}

func checkConfigError(t *testing.T, data []byte, err error) {
	t.Helper()
	if ce, ok := errors.AsType[*ConfigError](err); !ok || ce.Field == "" && !strings.Contains(string(data), `""`) {
		t.Errorf("ParseConfig(%s): %v is no *ConfigError with a field", data, err)
	}
	if strings.Contains(err.Error(), configCanary) {
		t.Errorf("ParseConfig(%s): the error shows a value: %v", data, err)
	}
}

// markStrings puts the canary into every string value of a JSON object.
func markStrings(data []byte) ([]byte, bool) {
	var object map[string]any
	if json.Unmarshal(data, &object) != nil {
		return nil, false
	}
	marked, err := json.Marshal(markValue(object))
	return marked, err == nil
}

func markValue(v any) any {
	switch v := v.(type) {
	case string:
		return configCanary + v
	case []any:
		for i := range v {
			v[i] = markValue(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = markValue(v[key])
		}
	}
	return v
}
