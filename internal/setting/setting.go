// Package setting contains what engines share that read a providerConfig.
package setting

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// Wrong returns the [*driver.ConfigError] for a setting of providerConfig, or for the whole of it if field is empty. The text
// must contain no value that could be a secret.
func Wrong(field, format string, args ...any) error {
	name := "providerConfig"
	if field != "" {
		name += "." + field
	}
	return &driver.ConfigError{Field: name, Err: fmt.Errorf(format, args...)}
}

// WithoutPath returns the system's error in err without the path, for a text that names the file itself.
func WithoutPath(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// Authorities reads certificates in PEM, for a setting that names the file.
func Authorities(field, path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, Wrong(field, "file %q: %w", path, WithoutPath(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, Wrong(field, "file %q: holds no certificate", path)
	}
	return pool, nil
}

// A Duration is a setting in JSON that is a number of seconds, or a text such as "1m30s".
type Duration time.Duration

// UnmarshalJSON implements [json.Unmarshaler].
func (d *Duration) UnmarshalJSON(data []byte) error {
	text := string(data)
	_ = json.Unmarshal(data, &text) // if it is a text
	t, err := ParseDuration(text)
	if err != nil {
		return Wrong("", "%w", err)
	}
	*d = Duration(t)
	return nil
}

var errDuration = errors.New(`want a number of seconds, or a text such as "1m30s"`)

// ParseDuration reads a number of seconds, or a text such as "1m30s".
func ParseDuration(text string) (time.Duration, error) {
	if text != "" && strings.Trim(text, "-.0123456789") == "" {
		text += "s"
	}
	t, err := time.ParseDuration(text)
	if err != nil {
		return 0, errDuration
	}
	return t, nil
}
