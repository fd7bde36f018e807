// Package couchbase keeps sessions in Couchbase Server, under the provider name "couchbase":
//
//	import _ "github.com/seed1a8f7c28/session/contrib/couchbase"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = `{"url": "couchbase://10.0.0.1,10.0.0.2", "username": "app", "password": "…", "bucket": "sessions"}`
//	session.NewManager("couchbase", cfg)
//
// The provider config is a JSON object, or beego's "http://user:password@host:8091/, pool, bucket":
//
//	{"url": "couchbases://cb.example", "username": "app", "password": "…", "bucket": "sessions", "scope": "web",
//	 "collection": "sessions", "durability": "majority", "tlsCA": "/etc/app/ca.pem", "tlsInsecure": false}
//
// A session is one document, whose value is the record in its binary form. Every write is an insert, or a replace or a
// remove with the document's CAS. Reading a session takes one round trip, and storing it takes another.
//
// By default a write is acknowledged when one node has it in memory: a failover can lose the last changes. With a durability
// it is acknowledged when a majority of the replicas has it.
//
// The package was tested with a fake of Couchbase's protocol. No real server was run.
package couchbase

import (
	"context"
	"errors"
	"fmt"

	"github.com/couchbase/gocb/v2"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/cas"
)

func init() { session.Register(session.ProviderCouchbase, session.NewProvider(Open)) }

// SessionStore is another name of [session.Session], the type of every provider's Store. It keeps an application's type
// assertions on beego's stores working.
//
// Deprecated: use [session.Session].
type SessionStore = session.Session

// New returns a provider over a collection of an application's own cluster. Pass it to [session.New]. It accepts no provider
// config. durability is that of each write; the zero value is the bucket's own. Closing a manager does not close the cluster.
func New(collection *gocb.Collection, durability gocb.DurabilityLevel) session.Provider {
	return session.NewProvider(func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		switch {
		case c.Config != "":
			return nil, &driver.ConfigError{Field: "providerConfig", Err: errors.New(
				"must be empty: the provider was made with a collection")}
		case collection == nil:
			return nil, &driver.ConfigError{Field: "provider", Err: errors.New("the collection is nil")}
		}
		b, err := open(ctx, &client{collection: collection, durability: durability}, c)
		if err != nil {
			return nil, &driver.ConfigError{Field: "provider", Err: err}
		}
		return b, nil
	})
}

// Open connects to a cluster, as the provider "couchbase" does, and makes a call that changes nothing. Every error is a
// [*session.ConfigError] that names the setting or the servers and shows no password.
//
// The result implements [driver.Pinger], [io.Closer] and, except with c.Beego, [driver.Marker].
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	s, err := parse(c.Config)
	if err != nil {
		return nil, err
	}
	client, err := s.connect(ctx)
	if err != nil {
		return nil, &driver.ConfigError{Field: "providerConfig", Err: fmt.Errorf("couchbase at %s: %w", s.where(), err)}
	}
	b, err := open(ctx, client, c)
	if err != nil {
		return nil, &driver.ConfigError{Field: "providerConfig", Err: fmt.Errorf("couchbase at %s: %w", s.where(), err)}
	}
	return b, nil
}

// open returns the backend if the collection answers. If it returns an error it closes the client.
func open(ctx context.Context, client *client, c driver.Config) (driver.Backend, error) {
	client.later, client.isBeego = cas.Later(c.Beego), c.Beego
	if err := client.probe(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return cas.New(client, &client.seen, form, c), nil
}
