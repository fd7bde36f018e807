package driver

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

type providerSettings struct {
	Addr string           `json:"addr"`
	DB   int              `json:"db"`
	Wait providerDuration `json:"wait"`
	Pool *poolSettings    `json:"pool"`
	Port int              `json:"port,string"`

	Plain   int
	Ignored int `json:"-"`
	embeddedSettings
}

type embeddedSettings struct {
	Embedded int `json:"embedded"`
}

type poolSettings struct {
	Size int `json:"size"`
}

// providerDuration is as a provider would write one.
type providerDuration time.Duration

func (d *providerDuration) UnmarshalJSON(data []byte) error {
	return configErrorf("duration", "want a string such as %q", "12h")
}

func TestParseConfig(t *testing.T) {
	t.Run("absent keys leave fields alone", func(t *testing.T) {
		got := providerSettings{Addr: "a", DB: 1}
		if err := ParseConfig(` {"DB": 2, "pool": {"size": 3}} `, &got); err != nil {
			t.Fatal(err)
		}
		if want := (providerSettings{Addr: "a", DB: 2, Pool: &poolSettings{3}}); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("no config", func(t *testing.T) {
		got := providerSettings{Addr: "a"}
		if err := ParseConfig("", &got); err != nil || got.Addr != "a" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	errs := []struct{ name, text, field, want string }{
		{"no object", `s3cr3t-canary`, "providerConfig", "not JSON (line 1, column 1)"},
		{"list", `[]`, "providerConfig", "want a JSON object"},
		{"trailing garbage", `{} s3cr3t-canary`, "providerConfig", "not JSON (line 1, column 4)"},
		{
			"unknown key", `{"addr": "s3cr3t-canary", "pass": "s3cr3t-canary"}`, "providerConfig.pass",
			"unknown key; the keys are addr, db, wait, pool, port, Plain, embedded",
		},
		{"misspelt key", `{"embeded": "s3cr3t-canary"}`, "providerConfig.embeded", "unknown key; did you mean embedded?"},
		{"unknown key further in", `{"pool": {"pass": "s3cr3t-canary"}}`, "providerConfig.pool.pass", "unknown key"},
		{"a known key too far in", `{"pool": {"pool": "s3cr3t-canary"}}`, "providerConfig.pool.pool", "unknown key"},
		{"given twice", `{"addr": "s3cr3t-canary", "Addr": "b"}`, "providerConfig.Addr", "given twice"},
		{"wrong type", "{\n \"db\": \"s3cr3t-canary\"}", "providerConfig.db", "want a value of type int"},
		{"wrong type in another case", `{"DB": "s3cr3t-canary"}`, "providerConfig.DB", "want a value of type int"},
		{"wrong type further in", `{"pool": {"size": "s3cr3t-canary"}}`, "providerConfig.pool.size", "want a value of type int"},
		{"provider's own form", `{"wait": "s3cr3t-canary"}`, "providerConfig.wait", `want a string such as "12h"`},
		{"error that shows the value", `{"port": "s3cr3t-canary"}`, "providerConfig.port", "not of the right form"},
	}
	for _, tt := range errs {
		t.Run(tt.name, func(t *testing.T) {
			wantConfigError(t, ParseConfig(tt.text, new(providerSettings)), tt.field, tt.want)
		})
	}
	t.Run("no pointer", func(t *testing.T) {
		wantConfigError(t, ParseConfig(`{"addr": "s3cr3t-canary"}`, providerSettings{}), "providerConfig", "non-pointer")
	})
}

// wantConfigError checks the field, what the text holds, and that it shows no secret.
func wantConfigError(t *testing.T, err error, field, want string) {
	t.Helper()
	ce, ok := errors.AsType[*ConfigError](err)
	if !ok {
		t.Fatalf("got %v; want a *ConfigError", err)
	}
	if ce.Field != field || !strings.Contains(ce.Err.Error(), want) {
		t.Errorf("got  %s: %v\nwant %s: %s", ce.Field, ce.Err, field, want)
	}
	if field != "providerConfig" && strings.Contains(err.Error(), "line ") {
		t.Errorf("the error names a line, which is not that of the file: %v", err)
	}
	if strings.Contains(err.Error(), "s3cr3t-canary") {
		t.Errorf("the error shows a value: %v", err)
	}
}
