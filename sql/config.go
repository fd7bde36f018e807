package sql

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A config is a provider config that was read and checked.
type config struct {
	dsn      string
	field    string // the setting that dsn came from
	table    string
	schema   string
	maxOpen  int
	maxIdle  int
	lifetime time.Duration // of a connection
	idleTime time.Duration
	prepare  bool // whether statements are prepared
}

func defaults(table string) config {
	return config{
		field: "providerConfig", table: table, schema: schemaCreate, maxOpen: 16, maxIdle: 16,
		lifetime: 30 * time.Minute, idleTime: 5 * time.Minute, prepare: true,
	}
}

// parse reads a DSN, or a JSON object that contains one. table is the default for the object's table.
func parse(text, table string) (config, error) {
	c := defaults(table)
	c.dsn = text
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		if err := c.parseObject(text); err != nil {
			return c, err
		}
	}
	if err := checkTable(c.table); err != nil {
		return c, &driver.ConfigError{Field: "providerConfig.table", Err: err}
	}
	if strings.TrimSpace(c.dsn) == "" {
		return c, configError(c.field, "must contain the data source name of a database")
	}
	return c, nil
}

func (c *config) parseObject(text string) error {
	c.dsn, c.field = "", "providerConfig.dsn"
	object := struct {
		DSN             *string   `json:"dsn"`
		Table           *string   `json:"table"`
		Schema          *string   `json:"schema"`
		MaxOpenConns    *int      `json:"maxOpenConns"`
		MaxIdleConns    *int      `json:"maxIdleConns"`
		ConnMaxLifetime *duration `json:"connMaxLifetime"`
		ConnMaxIdleTime *duration `json:"connMaxIdleTime"`
		Prepare         *bool     `json:"prepare"`
	}{
		DSN: &c.dsn, Table: &c.table, Schema: &c.schema, MaxOpenConns: &c.maxOpen, MaxIdleConns: &c.maxIdle,
		ConnMaxLifetime: (*duration)(&c.lifetime), ConnMaxIdleTime: (*duration)(&c.idleTime),
		Prepare: &c.prepare,
	}
	c.maxIdle = -1
	if err := driver.ParseConfig(text, &object); err != nil {
		return err
	}
	if c.maxIdle == -1 {
		c.maxIdle = c.maxOpen
	}
	switch {
	case c.maxOpen < 1:
		return configError("providerConfig.maxOpenConns", "want 1 or more")
	case c.maxIdle < 0:
		return configError("providerConfig.maxIdleConns", "want 0 or more")
	case c.maxIdle > c.maxOpen:
		return configError("providerConfig.maxIdleConns", "want at most maxOpenConns, %d", c.maxOpen)
	}
	if err := checkSchema(c.schema); err != nil {
		return &driver.ConfigError{Field: "providerConfig.schema", Err: err}
	}
	return nil
}

func configError(field, format string, args ...any) error {
	return &driver.ConfigError{Field: field, Err: fmt.Errorf(format, args...)}
}

// A table's name appears quoted in statements. It must be a plain identifier, optionally preceded by a schema or database.
// Index names are derived from it, and they may have at most 63 bytes.
var tableName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,47}$`)

func checkTable(name string) error {
	if !tableName.MatchString(name) {
		return errors.New("want a name of at most 48 letters, digits and _ that does not begin with a digit, or schema.name")
	}
	return nil
}

func checkSchema(schema string) error {
	switch schema {
	case schemaCreate, schemaCheck, schemaOff:
		return nil
	}
	return fmt.Errorf("want one of %q, %q and %q", schemaCreate, schemaCheck, schemaOff)
}

// A duration is a number of seconds or a string such as "90s".
type duration time.Duration

var errDuration = &driver.ConfigError{Field: "providerConfig", Err: errors.New(
	`want a number of seconds or a duration such as "90s", 0 for none`)}

// UnmarshalJSON implements [json.Unmarshaler].
func (d *duration) UnmarshalJSON(data []byte) error {
	text := string(data) + "s"
	if data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return errDuration
		}
	}
	parsed, err := time.ParseDuration(text)
	if err != nil || parsed < 0 {
		return errDuration
	}
	*d = duration(parsed)
	return nil
}
