package redis

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/internal/setting"
)

// parseURL reads
//
//	redis://user:password@host:port/db?name=value&…
//
// with rediss:// for TLS and unix:// for a socket. The schemes redis+cluster and redis+sentinel, and the same with rediss,
// take several hosts, separated by commas. With sentinels the path is the master's name, optionally followed by the
// database: /mymaster/1. The parameters have the names of the JSON keys.
func (c *config) parseURL(text string) error {
	scheme, rest, _ := strings.Cut(text, "://")
	if err := c.setScheme(scheme); err != nil {
		return err
	}
	rest, query, _ := strings.Cut(rest, "?")
	login, rest, hasLogin := cutLast(rest, "@")
	if hasLogin {
		user, password, _ := strings.Cut(login, ":")
		if !unescape(&c.settings.Username, user) || !unescape(&c.settings.Password, password) {
			return setting.Wrong("", "the user or password in the URL is not percent-encoded correctly")
		}
	}
	path := ""
	if c.network == "unix" {
		c.addrs = []string{rest}
	} else {
		var hosts string
		if hosts, path, _ = strings.Cut(rest, "/"); hosts != "" {
			c.addrs = strings.Split(hosts, ",")
		}
		for i, host := range c.addrs {
			c.addrs[i] = c.withPort(host)
		}
	}
	if err := c.setPath(path); err != nil {
		return err
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return setting.Wrong("", "the parameters in the URL are not a valid query string")
	}
	for name, list := range values {
		if len(list) > 1 {
			return setting.Wrong(shown(name), "given twice")
		}
		if err := c.settings.set(name, list[0]); err != nil {
			return err
		}
	}
	return nil
}

func (c *config) setScheme(scheme string) error {
	base, suffix, _ := strings.Cut(strings.ToLower(scheme), "+")
	switch {
	case base == "rediss":
		c.settings.TLS = true
	case base == "unix" && suffix == "" && c.kind == single:
		c.network = "unix"
	case base != "redis":
		return setting.Wrong("", "a URL must begin with redis:// or rediss://, or with unix:// for a socket")
	}
	switch {
	case suffix == "":
	case suffix == "cluster" && c.kind != cluster, suffix == "sentinel" && c.kind != sentinel:
		return setting.Wrong("", "a URL with +%s is for the provider redis_%s", suffix, suffix)
	case suffix != "cluster" && suffix != "sentinel":
		return setting.Wrong("", "the part after the + in a URL must be cluster or sentinel")
	}
	return nil
}

// withPort adds the default port to a host without one.
func (c *config) withPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	port := "6379"
	if c.kind == sentinel {
		port = "26379"
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// setPath reads the database and, with sentinels, the master's name before it.
func (c *config) setPath(path string) error {
	if path = strings.TrimSuffix(path, "/"); path == "" {
		return nil
	}
	if c.kind == sentinel {
		master, db, more := strings.Cut(path, "/")
		if !unescape(&c.settings.MasterName, master) {
			return setting.Wrong("masterName", "is not percent-encoded correctly")
		}
		if !more {
			return nil
		}
		path = db
	}
	return c.settings.set("db", path)
}

// set sets the field that a URL parameter names.
func (s *settings) set(name, value string) error {
	var target any
	switch name {
	case "db":
		target = &s.DB
	case "masterName":
		target = &s.MasterName
	case "sentinelUsername":
		target = &s.SentinelUsername
	case "sentinelPassword":
		target = &s.SentinelPassword
	case "poolSize":
		target = &s.PoolSize
	case "dialTimeout":
		target = &s.DialTimeout
	case "readTimeout":
		target = &s.ReadTimeout
	case "writeTimeout":
		target = &s.WriteTimeout
	case "idleTimeout":
		target = &s.IdleTimeout
	case "waitReplicas":
		target = &s.WaitReplicas
	case "waitTimeout":
		target = &s.WaitTimeout
	case "coalesce":
		target = &s.Coalesce
	case "tlsCA":
		target = &s.TLSCA
	case "tlsCert":
		target = &s.TLSCert
	case "tlsKey":
		target = &s.TLSKey
	case "tlsServerName":
		target = &s.TLSServerName
	case "tlsInsecure":
		target = &s.TLSInsecure
	default:
		return setting.Wrong(shown(name), "unknown parameter")
	}
	var err error
	switch p := target.(type) {
	case *string:
		*p = value
	case *int:
		if *p, err = strconv.Atoi(value); err != nil {
			err = errors.New("want a number")
		}
	case *bool:
		if *p, err = strconv.ParseBool(value); err != nil {
			err = errors.New("want true or false")
		}
	case *time.Duration:
		*p, err = parseDuration(value)
	}
	if err != nil {
		return setting.Wrong(name, "%w", err)
	}
	return nil
}

// shown returns an unknown name in the form that an error may show. It returns "" for anything that does not look like a
// name, because it could be part of a password.
func shown(name string) string {
	if len(name) > 32 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
		return ""
	}
	return name
}

func unescape(p *string, text string) bool {
	v, err := url.PathUnescape(text)
	*p = v
	return err == nil
}

// cutLast cuts around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}
