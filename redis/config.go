package redis

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/setting"
)

// A kind is the arrangement of the servers.
type kind int

const (
	single kind = iota
	cluster
	sentinel
)

// names are the names of the providers, by kind.
var names = [...]string{session.ProviderRedis, session.ProviderRedisCluster, session.ProviderRedisSentinel}

// A config is a provider config that was read and checked.
type config struct {
	kind
	network  string // "tcp" or "unix"
	addrs    []string
	settings settings
	tls      *tls.Config // nil for none
}

// settings are the parts of a config besides the addresses, in any of the three forms. The names are those of the JSON keys
// and of a URL's parameters.
type settings struct {
	Username         string
	Password         string
	DB               int
	MasterName       string
	SentinelUsername string
	SentinelPassword string
	PoolSize         int
	DialTimeout      time.Duration
	ReadTimeout      time.Duration
	WriteTimeout     time.Duration
	IdleTimeout      time.Duration
	WaitReplicas     int
	WaitTimeout      time.Duration
	Coalesce         bool
	TLS              bool
	TLSCA            string
	TLSCert          string
	TLSKey           string
	TLSServerName    string
	TLSInsecure      bool
}

// defaults leave room for a second try within the manager's opTimeout of 5 seconds.
var defaults = settings{
	DialTimeout:  2 * time.Second,
	ReadTimeout:  3 * time.Second,
	WriteTimeout: 3 * time.Second,
	WaitTimeout:  time.Second,
	MasterName:   "mymaster",
	Coalesce:     true,
}

// parse reads a config: a URL, a JSON object, or beego's comma-separated list.
func parse(k kind, text string) (*config, error) {
	c := &config{kind: k, network: "tcp", settings: defaults}
	text = strings.TrimSpace(text)
	var err error
	switch {
	case strings.HasPrefix(text, "{"):
		err = c.parseJSON(text)
	case strings.Contains(text, "://"):
		err = c.parseURL(text)
	default:
		err = c.parseList(text)
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// check checks the rules that apply to every form, and loads the certificates.
func (c *config) check() (err error) {
	s := &c.settings
	s.PoolSize = cmp.Or(s.PoolSize, MaxPoolSize)
	switch {
	case len(c.addrs) == 0 && c.kind == single:
		c.addrs = []string{"127.0.0.1:6379"}
	case len(c.addrs) == 0:
		return setting.Wrong("", "%s needs the address of at least one server", names[c.kind])
	case len(c.addrs) > 1 && c.kind == single:
		return setting.Wrong("", "%s takes one address; for more there are redis_cluster and redis_sentinel", names[c.kind])
	}
	for i, addr := range c.addrs {
		if err := c.checkAddr(addr); err != nil {
			return setting.Wrong("", "address %d %w", i+1, err)
		}
	}
	switch {
	case s.DB < 0:
		return setting.Wrong("db", "must not be negative")
	case s.DB > 0 && c.kind == cluster:
		return setting.Wrong("db", "a cluster has only database 0")
	case s.Username != "" && s.Password == "":
		return setting.Wrong("username", "needs a password")
	case s.MasterName == "":
		return setting.Wrong("masterName", "must not be empty")
	case s.PoolSize < 0:
		return setting.Wrong("poolSize", "must not be negative")
	case s.WaitReplicas < 0:
		return setting.Wrong("waitReplicas", "must not be negative")
	case c.kind != sentinel && (s.SentinelUsername != "" || s.SentinelPassword != ""):
		return setting.Wrong("sentinelPassword", "is only for the provider redis_sentinel")
	}
	for _, t := range []struct {
		name string
		d    time.Duration
	}{
		{"dialTimeout", s.DialTimeout}, {"readTimeout", s.ReadTimeout}, {"writeTimeout", s.WriteTimeout}, {"waitTimeout", s.WaitTimeout},
	} {
		if t.d < time.Millisecond {
			return setting.Wrong(t.name, "must be at least one millisecond")
		}
	}
	switch {
	case s.IdleTimeout < 0:
		return setting.Wrong("idleTimeout", "must not be negative")
	case s.WaitReplicas > 0 && s.WaitTimeout >= s.ReadTimeout:
		return setting.Wrong("waitTimeout", "must be less than readTimeout")
	}
	c.tls, err = s.loadTLS()
	return err
}

func (c *config) checkAddr(addr string) error {
	if c.network == "unix" {
		return nil
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return errors.New("is not of the form host:port")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return errors.New("has no port from 1 to 65535")
	}
	return nil
}
