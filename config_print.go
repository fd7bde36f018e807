package session

import (
	"encoding/json"
	"log/slog"
	"reflect"
)

// MarshalJSON writes what [ManagerConfig.UnmarshalJSON] reads, all fields and all secrets. Logger and
// ErrorHandler are left out.
func (c ManagerConfig) MarshalJSON() ([]byte, error) {
	type fields ManagerConfig
	return json.Marshal(struct {
		fields
		AbsoluteLifetime string `json:"absoluteLifetime"`
		TouchInterval    string `json:"touchInterval"`
		OpTimeout        string `json:"opTimeout"`
	}{fields(c), c.AbsoluteLifetime.String(), c.TouchInterval.String(), c.OpTimeout.String()})
}

// String lists the settings that are not zero. ProviderConfig and EncryptionKeys show as ***.
func (c ManagerConfig) String() string { return "ManagerConfig" + c.LogValue().String() }

// GoString is String, so that %#v hides the secrets too.
func (c ManagerConfig) GoString() string { return c.String() }

// LogValue is String as a group, for log/slog.
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
