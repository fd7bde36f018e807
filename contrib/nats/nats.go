// Package nats keeps sessions in NATS JetStream, version 2.12 or later, under the provider name "nats":
//
//	import _ "github.com/seed1a8f7c28/session/contrib/nats"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "nats://127.0.0.1:4222"
//	session.NewManager("nats", cfg)
//
// [New] makes a provider over an application's own connection. The servers remove sessions that have expired, so there is
// nothing to sweep.
//
// The provider config is a list of URLs, separated by commas, or a JSON object; empty means nats://127.0.0.1:4222.
// docs/providers/nats.md lists the keys.
//
//	{"urls": ["tls://n1.example:4222", "tls://n2.example:4222"], "credentials": "/etc/app/nats.creds", "replicas": 3}
//
// # In NATS
//
// All namespaces share one bucket, which is a key-value store of JetStream. Each session is one entry, app.s.<storage key>
// in the namespace "app". A mark has the key of the session that it replaces. A user's index is one entry,
// app.u.<SHA-256 of the name>, that lists the sessions' keys. It is stored in the same step as a session that enters or leaves
// it. No key contains any byte of a sid or of a user's name.
//
// Reading a session takes one round trip, and storing it takes another. A save compares the number that the stream has given
// to the entry. It knows the number from the load.
//
// # What can go wrong
//
// Reads ask the leader of the stream, and writes are acknowledged by a majority of the replicas. With one replica, the loss
// of its server is an outage. Unless the servers run with sync_interval: always, they acknowledge a write before it is on
// disk, so that a power failure of all of them at once can lose the last writes, including logouts.
package nats

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/setting"
)

func init() { session.Register("nats", session.NewProvider(Open)) }

// Open connects to the servers, creates the bucket if it does not exist, and tries what it will need. Every error is a
// [*session.ConfigError] that names the setting or the server and shows no password.
//
// The result also implements [driver.Counter], [driver.Lister], [driver.UserLister], [driver.AliasLister],
// [driver.UserLimiter], [driver.Renamer], [driver.Marker], [driver.Watcher], [driver.Clearer], [driver.Pinger] and
// [io.Closer].
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	cfg, err := parse(c.Config)
	if err != nil {
		return nil, err
	}
	if err := check(c); err != nil {
		return nil, err
	}
	nc, err := cfg.connect(c.Logger)
	if err != nil {
		return nil, setting.Wrong("", "server %s: %w", cfg.servers(), err)
	}
	s, err := open(ctx, nc, cfg.Bucket, c)
	if err != nil {
		nc.Close()
		return nil, setting.Wrong("", "server %s: %w", cfg.servers(), err)
	}
	s.own = true
	return s, nil
}

// New returns a provider over an application's own connection, whose account must have JetStream. It accepts no provider
// config. Closing a manager does not close the connection.
//
// Connect with [nats.ReconnectBufSize](-1). With a buffer, a call during an outage is sent after the outage, when its caller
// has long been told that it failed. That changes nothing that has been changed meanwhile, and brings nothing back.
func New(nc *nats.Conn, b Bucket) session.Provider {
	return session.NewProvider(func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		switch {
		case nc == nil:
			return nil, &driver.ConfigError{Field: "provider", Err: errors.New("the connection is nil")}
		case c.Config != "":
			return nil, setting.Wrong("", "must be empty: the provider was made with a connection")
		}
		if err := b.check(); err != nil {
			return nil, err
		}
		if err := check(c); err != nil {
			return nil, err
		}
		s, err := open(ctx, nc, b, c)
		if err != nil {
			return nil, &driver.ConfigError{Field: "provider", Err: err}
		}
		return s, nil
	})
}

// maxNamespace is the maximum length of a namespace's part of a subject, which is well below what a server accepts.
const maxNamespace = 1000

// check checks the settings that are not the provider's own.
func check(c driver.Config) error {
	switch {
	case c.Beego:
		return &driver.ConfigError{Field: "beego", Err: errors.New("beego has no nats provider")}
	case len(tokenOf(c.Namespace)) > maxNamespace:
		return &driver.ConfigError{Field: "namespace", Err: errors.New("is too long for a subject of NATS")}
	}
	return nil
}
