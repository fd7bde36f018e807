// Package ssdb keeps sessions in SSDB, under the provider name "ssdb":
//
//	import _ "github.com/seed1a8f7c28/session/contrib/ssdb"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "127.0.0.1:8888"
//	session.NewManager("ssdb", cfg)
//
// The provider config is beego's "host:port" or a JSON object:
//
//	{"host": "127.0.0.1", "port": 8888, "password": "…", "poolSize": 10, "dialTimeout": "2s", "readTimeout": "3s",
//	 "writeTimeout": "3s", "idleTimeout": "30m"}
//
// # One process
//
// SSDB has no command that writes only if nobody has written since. So this package compares in the process, under a lock.
// Nothing is lost as long as one process at a time writes the sessions, and no answer is lost. If two do, as during a rolling
// deployment, one may undo what the other has stored in the same moment: a change, or a logout. Let only one process write, or
// choose another store.
//
// The tests use a fake of SSDB's protocol. They can also be run against a server: see docs/providers/ssdb.md.
package ssdb

import (
	"context"
	"fmt"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/cas"
)

func init() { session.Register(session.ProviderSsdb, New()) }

// New returns a provider that keeps sessions in SSDB, and that reads the provider config as the registered one does. Pass it to
// [session.New].
func New() session.Provider { return session.NewProvider(Open) }

// SessionStore is another name of [session.Session], the type of every provider's Store. It keeps an application's type
// assertions on beego's stores working.
//
// Deprecated: use [session.Session].
type SessionStore = session.Session

// Open connects to a server, as the provider "ssdb" does, and makes a call that changes nothing. Every error is a
// [*session.ConfigError] that names the setting or the server and shows no password.
//
// The result implements [driver.Pinger], [io.Closer] and, except with c.Beego, [driver.Marker].
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	s, err := parse(c.Config)
	if err != nil {
		return nil, err
	}
	o := s.Pool.Options("tcp", s.addr())
	o.Password = s.Password
	client := newClient(o, c)
	if err := client.look(ctx); err != nil {
		client.Close()
		return nil, &driver.ConfigError{Field: "providerConfig", Err: fmt.Errorf("ssdb at %s: %w", s.addr(), err)}
	}
	return cas.New(client, &client.seen, form, c), nil
}
