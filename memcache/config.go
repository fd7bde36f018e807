package memcache

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/setting"
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
	field     string // the setting that contains the addresses, "" for the whole config
	timeout   time.Duration
	idleConns int
}

func parse(text string) (config, error) {
	cfg := config{timeout: defaultTimeout, idleConns: defaultIdleConns}
	list := strings.Split(text, ";")
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		object := struct {
			Servers      []string         `json:"servers"`
			Timeout      setting.Duration `json:"timeout"`
			MaxIdleConns int              `json:"maxIdleConns"`
		}{Timeout: setting.Duration(cfg.timeout), MaxIdleConns: cfg.idleConns}
		if err := driver.ParseConfig(text, &object); err != nil {
			return cfg, err
		}
		list, cfg.field = object.Servers, "servers"
		cfg.timeout, cfg.idleConns = time.Duration(object.Timeout), object.MaxIdleConns
	}
	switch {
	case cfg.timeout <= 0:
		return cfg, setting.Wrong("timeout", "want a time over 0")
	case cfg.idleConns <= 0:
		return cfg, setting.Wrong("maxIdleConns", "want a number over 0")
	case len(list) == 0 || strings.TrimSpace(text) == "":
		return cfg, setting.Wrong(cfg.field, `want the addresses of the servers, such as "127.0.0.1:11211"`)
	}
	for _, text := range list {
		addr, err := parseAddress(strings.TrimSpace(text))
		if err != nil {
			return cfg, setting.Wrong(cfg.field, "%w", err)
		}
		cfg.servers = append(cfg.servers, addr)
	}
	return cfg, nil
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
