package memcache

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

const (
	// defaultTimeout is longer than the delay of a lost packet, even of the first packet of a connection.
	defaultTimeout = 2 * time.Second
	// defaultIdleConns keeps a dozen nodes below memcached's limit of 1024 connections.
	defaultIdleConns = 64
)

// A config is a provider config that was read and checked.
type config struct {
	servers   servers
	field     string // the setting that contains the addresses
	timeout   time.Duration
	idleConns int
}

func parse(text string) (config, error) {
	cfg := config{field: "providerConfig", timeout: defaultTimeout, idleConns: defaultIdleConns}
	list := strings.Split(text, ";")
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		object := struct {
			Servers      []string `json:"servers"`
			Timeout      duration `json:"timeout"`
			MaxIdleConns int      `json:"maxIdleConns"`
		}{Timeout: duration(cfg.timeout), MaxIdleConns: cfg.idleConns}
		if err := driver.ParseConfig(text, &object); err != nil {
			return cfg, err
		}
		list, cfg.field = object.Servers, "providerConfig.servers"
		cfg.timeout, cfg.idleConns = time.Duration(object.Timeout), object.MaxIdleConns
	}
	switch {
	case cfg.timeout <= 0:
		return cfg, wrong("providerConfig.timeout", "want a time over 0")
	case cfg.idleConns <= 0:
		return cfg, wrong("providerConfig.maxIdleConns", "want a number over 0")
	case len(list) == 0 || strings.TrimSpace(text) == "":
		return cfg, wrong(cfg.field, `want the addresses of the servers, such as "127.0.0.1:11211"`)
	}
	for _, text := range list {
		addr, err := parseAddress(strings.TrimSpace(text))
		if err != nil {
			return cfg, &driver.ConfigError{Field: cfg.field, Err: err}
		}
		cfg.servers = append(cfg.servers, addr)
	}
	return cfg, nil
}

func wrong(field, text string) error {
	return &driver.ConfigError{Field: field, Err: errors.New(text)}
}

// parseAddress reads host:port or a path.
func parseAddress(text string) (net.Addr, error) {
	if strings.Contains(text, "/") {
		return address{"unix", text}, nil
	}
	_, port, err := net.SplitHostPort(text)
	if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || n == 0 {
		return nil, fmt.Errorf("%q is no address: want host:port, or the path of a socket", text)
	}
	return address{"tcp", text}, nil
}

// client returns a client without any connection yet.
func (c *config) client() *client {
	return &client{caller: newLanes(c.servers, c.timeout, c.idleConns)}
}

// A duration is a number of seconds, or a string such as "1m30s".
type duration time.Duration

func (d *duration) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data) + "s"
	}
	t, err := time.ParseDuration(text)
	if err != nil {
		return wrong("providerConfig", `want a number of seconds, or a text such as "1m30s"`)
	}
	*d = duration(t)
	return nil
}
