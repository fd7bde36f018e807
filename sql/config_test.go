package sql

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

func TestParse(t *testing.T) {
	with := func(change func(c *config)) config {
		c := defaults(ownTable)
		change(&c)
		return c
	}
	object := func(change func(c *config)) config {
		return with(func(c *config) { c.field = "providerConfig.dsn"; c.dsn = "d"; change(c) })
	}
	for _, tt := range []struct {
		name, text string
		want       config
	}{
		{"DSN", "user@/db?a={b}", with(func(c *config) { c.dsn = "user@/db?a={b}" })},
		{"object", ` {"dsn": "d"}`, object(func(*config) {})},
		{"keys in any case", `{"DSN": "d", "maxopenconns": 20}`, object(func(c *config) { c.maxOpen, c.maxIdle = 20, 20 })},
		{"table", `{"dsn": "d", "table": "app.Sessions_2"}`, object(func(c *config) { c.table = "app.Sessions_2" })},
		{"schema", `{"dsn": "d", "schema": "off"}`, object(func(c *config) { c.schema = "off" })},
		{"fewer connections", `{"dsn": "d", "maxOpenConns": 2}`, object(func(c *config) { c.maxOpen, c.maxIdle = 2, 2 })},
		{"none idle", `{"dsn": "d", "maxIdleConns": 0}`, object(func(c *config) { c.maxIdle = 0 })},
		{"seconds", `{"dsn": "d", "connMaxLifetime": 90}`, object(func(c *config) { c.lifetime = 90 * time.Second })},
		{"durations", `{"dsn": "d", "connMaxLifetime": "0", "connMaxIdleTime": "1m30s"}`, object(func(c *config) {
			c.lifetime, c.idleTime = 0, 90*time.Second
		})},
	} {
		if got, err := parse(tt.text, ownTable); err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v; want %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestParseError(t *testing.T) {
	for _, tt := range []struct{ name, text, field, says string }{
		{"empty", "", "providerConfig", "data source name"},
		{"blank", " \n", "providerConfig", "data source name"},
		{"no DSN", `{"table": "t"}`, "providerConfig.dsn", "data source name"},
		{"broken", `{"dsn": "d"`, "providerConfig", ""},
		{"unknown key", `{"dsn": "d", "tabel": "t"}`, "providerConfig.tabel", "unknown key"},
		{"twice", `{"dsn": "d", "DSN": "d"}`, "providerConfig.DSN", "twice"},
		{"DSN of another type", `{"dsn": 1}`, "providerConfig.dsn", "string"},
		{"schema", `{"dsn": "d", "schema": "drop"}`, "providerConfig.schema", `"create"`},
		{"no connections", `{"dsn": "d", "maxOpenConns": 0}`, "providerConfig.maxOpenConns", "1 or more"},
		{"idle below 0", `{"dsn": "d", "maxIdleConns": -2}`, "providerConfig.maxIdleConns", "0 or more"},
		{"more idle than open", `{"dsn": "d", "maxOpenConns": 2, "maxIdleConns": 3}`, "providerConfig.maxIdleConns", "at most"},
		{"lifetime below 0", `{"dsn": "d", "connMaxLifetime": -1}`, "providerConfig.connMaxLifetime", "number of seconds"},
		{"no duration", `{"dsn": "d", "connMaxIdleTime": "long"}`, "providerConfig.connMaxIdleTime", "number of seconds"},
		{"duration of another type", `{"dsn": "d", "connMaxIdleTime": [1]}`, "providerConfig.connMaxIdleTime", "number of seconds"},
	} {
		_, err := parse(tt.text, ownTable)
		c, ok := errors.AsType[*session.ConfigError](err)
		if !ok || c.Field != tt.field || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v; want a *ConfigError of %s that says %q", tt.name, err, tt.field, tt.says)
		}
	}
}

func TestTableNames(t *testing.T) {
	for name, want := range map[string]bool{
		"sessions": true, "Sessions_2": true, "_s": true, "app.sessions": true, strings.Repeat("s", 48): true, "select": true,
		"": false, "2s": false, "s-s": false, "s s": false, `s"`: false, "s`": false, "s;DROP TABLE s": false, "a.b.c": false,
		".s": false, "s.": false, "sé": false, "s\n": false, "s\x00": false, "s--": false, strings.Repeat("s", 49): false,
	} {
		if got := checkTable(name) == nil; got != want {
			t.Errorf("checkTable(%q) accepts: %t, want %t", name, got, want)
		}
	}
}

// FuzzParse checks that what is accepted can be used, and that errors show nothing of the DSN.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "user:s3cr3t-canary@/db", `{"dsn": "s3cr3t-canary"}`, `{"dsn": "s3cr3t-canary", "table": "a;b", "schema": "x"}`,
		`{"dsn": "s3cr3t-canary", "maxOpenConns": 1e9, "connMaxLifetime": "1h"}`, `{"connMaxIdleTime": null}`, "{", `{"dsn": `,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse(text, ownTable)
		if err != nil {
			if field, ok := errors.AsType[*session.ConfigError](err); !ok || !strings.HasPrefix(field.Field, "providerConfig") {
				t.Errorf("not a *ConfigError: %v", err)
			}
			if strings.Contains(err.Error(), "s3cr3t-canary") && !strings.Contains(text, `s3cr3t-canary":`) {
				t.Errorf("the error shows the DSN: %v", err)
			}
			return
		}
		if c.dsn == "" || !tableName.MatchString(c.table) || checkSchema(c.schema) != nil || c.maxOpen < 1 || c.maxIdle < 0 ||
			c.maxIdle > c.maxOpen || c.lifetime < 0 || c.idleTime < 0 {
			t.Errorf("parse accepted %+v", c)
		}
	})
}
