// Package memcache keeps sessions in memcached, under the provider name "memcache":
//
//	import _ "github.com/seed1a8f7c28/session/memcache"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "127.0.0.1:11211"
//	session.NewManager("memcache", cfg)
//
// memcached is a cache: it evicts sessions when its memory is full, and loses all of them when it restarts. A visitor whose
// session is gone is a new visitor.
//
// The provider config is the servers' addresses, separated by semicolons as in beego, or a JSON object:
//
//	{"servers": ["10.0.0.1:11211", "10.0.0.2:11211"], "timeout": "2s", "maxIdleConns": 64}
//
// An address is host:port or the path of a Unix socket. All nodes must list the same servers in the same order, because the
// key alone determines the server of a session. If a server is down, calls for its sessions return an error; no other
// server takes over. timeout limits each connect, write and read. maxIdleConns is how many connections to each server stay
// open between requests; it should be the number of concurrent requests.
//
// # What is stored
//
// A session is one item, "namespace:key". Its value is the record as [driver.Record.AppendBinary] encodes it, including the
// deadlines, which each call checks to the millisecond. memcached drops the item a minute after the deadline, only to save
// memory. The namespace is escaped, and hashed if it is long. The key is a hash of the sid.
//
// Every write is an add or a cas, never a set. So a save changes nothing unless the version is the expected one, and a
// value that is too large for memcached leaves the previous one. [driver.Backend.Load] remembers the item's cas unique in
// this process, for a few thousand items. Saving a session that was loaded here, and has not been changed since, therefore
// takes one round trip.
package memcache

import (
	"context"
	"errors"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/cas"
	"github.com/seed1a8f7c28/session/internal/setting"
)

func init() { session.Register(session.ProviderMemcache, session.NewProvider(Open)) }

// SessionStore is another name of [session.Session], the type of every provider's Store. It keeps an application's type
// assertions on beego's stores working.
//
// Deprecated: use [session.Session].
type SessionStore = session.Session

// New returns a provider over an application's own client, for example one with TLS or with another way to choose a server.
// Pass it to [session.New]. It accepts no provider config. Closing a manager waits for running calls, and does not close
// the client. Set the client's Timeout, and a MaxIdleConns greater than its default of 2. This package cannot check the
// replies that such a client reads: a server that announces false lengths can make it allocate gigabytes.
func New(mc *memcache.Client) session.Provider {
	return session.NewProvider(func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		switch {
		case c.Config != "":
			return nil, &driver.ConfigError{Field: "providerConfig", Err: errors.New(
				"must be empty: the provider was made with a client")}
		case mc == nil:
			return nil, &driver.ConfigError{Field: "provider", Err: errors.New("the client is nil")}
		}
		b, err := open(ctx, &client{caller: &aside{mc: mc}}, c)
		if err != nil {
			return nil, &driver.ConfigError{Field: "provider", Err: err}
		}
		return b, nil
	})
}

// Open connects to the servers that c.Config names. Each of them must answer. Every error is a [*session.ConfigError] that
// names the setting or the server. With c.Beego, sessions are stored as beego's memcache provider stores them.
//
// The result implements [driver.Pinger], [io.Closer] and, except with c.Beego, [driver.Marker]. memcached cannot list its
// items, so the result implements no interface that needs a list.
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	cfg, err := parse(c.Config)
	if err != nil {
		return nil, err
	}
	b, err := open(ctx, cfg.client(), c)
	if err != nil {
		return nil, setting.Wrong(cfg.field, "%w", err)
	}
	return b, nil
}

// open returns the backend if all servers answer. If it returns an error it closes the client.
func open(ctx context.Context, c *client, cfg driver.Config) (driver.Backend, error) {
	err := c.Ping(ctx)
	if err == nil {
		err = c.probe(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	c.later = cas.Later(cfg.Beego)
	return cas.New(c, &c.seen, form, cfg), nil
}
