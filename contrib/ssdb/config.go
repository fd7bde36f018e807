package ssdb

import (
	"net"
	"strconv"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/rediscall"
	"github.com/seed1a8f7c28/session/internal/setting"
)

// A settings is a provider config. The first two names are beego's.
type settings struct {
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Password string `json:"password"`
	rediscall.Pool
}

// parse reads a config: a JSON object, or beego's "host:port".
func parse(text string) (*settings, error) {
	s := &settings{Host: "127.0.0.1", Port: defaultPort, Pool: rediscall.DefaultPool}
	var err error
	switch text = strings.TrimSpace(text); {
	case strings.HasPrefix(text, "{"):
		err = driver.ParseConfig(text, s)
	case text != "":
		err = s.parseAddr(text)
	}
	switch {
	case err != nil:
	case s.Host == "" || strings.ContainsAny(s.Host, "/ ,"):
		err = setting.Wrong("host", "must be the name or the address of one server")
	case s.Port < 1 || s.Port > 65535:
		err = setting.Wrong("port", "must be from 1 to 65535")
	default:
		err = s.Pool.Check()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// defaultPort is SSDB's.
const defaultPort = 8888

// parseAddr reads beego's form.
func (s *settings) parseAddr(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err == nil {
		s.Host = host
		s.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		return setting.Wrong("", `want "host:port" or a JSON object`)
	}
	return nil
}

func (s *settings) addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }
