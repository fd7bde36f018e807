// Package ledis keeps sessions in LedisDB, under the provider name "ledis":
//
//	import _ "github.com/seed1a8f7c28/session/contrib/ledis"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = `{"addr": "127.0.0.1:6380"}`
//	session.NewManager("ledis", cfg)
//
// The provider config is beego's "folder,database" or a JSON object:
//
//	./data,0                                       LedisDB in this process, with a folder and a database
//	{"save_path": "./data", "db": 0, "sync": true} the same; sync has each change on disk before the call returns
//	{"addr": "127.0.0.1:6380", "password": "…", "db": 0, "poolSize": 10, "dialTimeout": "2s", "readTimeout": "3s",
//	 "writeTimeout": "3s", "idleTimeout": "30m"}
//
// Empty means the folder ./var, as in beego. Only one process at a time can open a folder. Several processes need a server.
//
// In LedisDB a session is one value. Scripts change it, and LedisDB runs one script at a time. Reading a session takes one
// round trip, and storing it takes another.
//
// # What can go wrong
//
// A server whose scripts are also used by other programs stops running any after 5120 of them, until it is restarted:
// LedisDB never takes a script's answer off its stack. The scripts of this package leave nothing there.
//
// Without sync, or a server's db_sync_commit, the last changes are lost if the machine fails. They survive the end of the
// process. LedisDB treats a value that it cannot read from its disk as missing.
package ledis

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

func init() { session.Register(session.ProviderLedis, New()) }

// New returns a provider that keeps sessions in LedisDB. Pass it to [session.New].
func New() session.Provider { return session.NewProvider(Open) }

// SessionStore is another name of [session.Session], the type of every provider's Store. It keeps an application's type
// assertions on beego's stores working.
//
// Deprecated: use [session.Session].
type SessionStore = session.Session

// Open connects to a server, or starts one in this process, as the provider "ledis" does. It runs each kind of command that
// it will need, without changing anything. Every error is a [*session.ConfigError] that names the setting, the folder or
// the server and shows no password.
//
// The result also implements [driver.Counter], [driver.Lister], [driver.UserLister], [driver.AliasLister],
// [driver.UserLimiter], [driver.Renamer], [driver.Marker], [driver.Clearer], [driver.Pinger] and [io.Closer]. With c.Beego
// it implements only the last two.
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	s, err := parse(c.Config)
	if err != nil {
		return nil, err
	}
	where := s.Addr
	if where == "" {
		where = s.Folder
	}
	b, err := s.open(ctx, c)
	if err != nil {
		return nil, &driver.ConfigError{Field: "providerConfig", Err: fmt.Errorf("ledis at %s: %w", where, err)}
	}
	return b, nil
}

func (s *settings) open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	network, addr := s.network(), s.Addr
	var h *handle
	if s.Addr == "" {
		var err error
		if h, err = acquire(s.Folder, s.Sync); err != nil {
			return nil, err
		}
		network, addr = "unix", h.addr
	}
	o := s.Pool.Options(network, addr)
	o.Password, o.DB = s.Password, s.DB
	client := newClient(o, h, c.Logger)
	if err := client.probe(ctx); err != nil {
		client.Close()
		return nil, err
	}
	if c.Beego {
		return &beego{client}, nil
	}
	return newStore(client, c.Namespace), nil
}

// probe tries what will be needed on a name that does not exist.
func (s *client) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := s.Ping(ctx); err != nil {
		return err
	}
	return s.read(ctx, "open", func() []redis.Cmder {
		return []redis.Cmder{
			redis.NewStringCmd(ctx, "getrange", "session-ping", 0, 1),
			redis.NewCmd(ctx, "xscan", "kv", "session-ping", "count", 1),
		}
	})
}
