// Package memcache keeps sessions in memcached, under the provider name "memcache":
//
//	import _ "github.com/seed1a8f7c28/session/memcache"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "127.0.0.1:11211"
//	session.NewManager("memcache", cfg)
//
// memcached is a cache: it drops sessions when its memory is full, and all of them when it restarts. Whoever had
// one is a new visitor then.
//
// The provider config is the servers' addresses with semicolons in between, as in beego, or a JSON object:
//
//	{"servers": ["10.0.0.1:11211", "10.0.0.2:11211"], "timeout": "2s", "maxIdleConns": 64}
//
// An address is host:port, or the path of a unix socket. All nodes must list the same servers in the same order: which
// of them has a session follows from its key alone. A server that is down is an error for the sessions that it has,
// and no other takes its place. timeout bounds each connecting, writing and reading; maxIdleConns is how many
// connections to each server stay open between requests, which should be as many as there are requests at a time.
//
// # What is stored
//
// A session is one item, "namespace:key": the record as [driver.Record.AppendBinary] writes it, with its deadlines,
// which each call checks to the millisecond. That memcached drops the item a minute later only
// saves memory. A namespace is escaped, and hashed if it is long; the key is a hash of the sid.
//
// Every write compares: add and cas, never set. So a save meets the version that it expects or changes nothing, and a
// value that is too large for memcached leaves the one before. [driver.Backend.Load] remembers the item's cas
// unique in this process, a few thousand of them; the save of a session that was loaded here and changed by nobody since is
// one trip.
package memcache

import (
	"context"
	"errors"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

func init() { session.Register(session.ProviderMemcache, session.NewProvider(Open)) }

// SessionStore is another name of [session.Session], which the Stores of all providers are, so that an application's type
// assertions on beego's stores hold.
//
// Deprecated: use [session.Session].
type SessionStore = session.Session

// New returns a provider over an application's own client, for [session.New]: one with TLS, or another way to
// choose a server. It takes no provider config. Closing a manager leaves the client open, but waits for the calls
// that are under way. Set the client's Timeout, and a MaxIdleConns of more than its default of 2.
// A server that lies about lengths can have gigabytes allocated: nothing is between it and the client.
func New(mc *memcache.Client) session.Provider {
	return session.NewProvider(func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		switch {
		case c.Config != "":
			return nil, &driver.ConfigError{Field: "providerConfig", Err: errors.New(
				"is not used: the provider was made with a client")}
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

// Open connects to the servers that c.Config names, each of which has to answer. The error is a
// [*session.ConfigError] that names the setting or the server. With c.Beego sessions are stored as beego's
// memcache provider stores them.
//
// The result is a [driver.Pinger], a [driver.Marker] but for c.Beego, and an [io.Closer]. memcached cannot list what it has, so it is none of the
// interfaces that need that.
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	cfg, err := parse(c.Config)
	if err != nil {
		return nil, err
	}
	b, err := open(ctx, cfg.client(), c)
	if err != nil {
		return nil, &driver.ConfigError{Field: cfg.field, Err: err}
	}
	return b, nil
}

// open returns the backend over servers that answer. With an error the client is closed.
func open(ctx context.Context, c *client, cfg driver.Config) (driver.Backend, error) {
	err := c.Ping(ctx)
	if err == nil {
		err = c.probe(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	if cfg.Beego {
		return &beegoStore{store{client: c, layout: beego{cfg.Lifetime}}}, nil
	}
	return &marker{store{client: c, layout: records(prefix(cfg.Namespace))}}, nil
}
