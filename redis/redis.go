// Package redis keeps sessions in Redis 7.0 or later, under the provider names "redis", "redis_cluster" and
// "redis_sentinel":
//
//	import _ "github.com/seed1a8f7c28/session/redis"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "127.0.0.1:6379"
//	session.NewManager("redis", cfg)
//
// [New] makes a provider over an application's own client. Redis expires the sessions, so there is nothing to sweep.
//
// The provider config is beego's comma-separated list, a URL or a JSON object; empty means 127.0.0.1:6379. The URL's
// parameters and the object's keys have the same names. docs/providers/redis.md lists them.
//
//	127.0.0.1:6379,100,password,0,300              address, pool size, password, database, idle timeout in seconds
//	10.0.0.1:7000;10.0.0.2:7000,100,password       redis_cluster
//	10.0.0.1:26379;10.0.0.2:26379,100,password,0,mymaster
//	rediss://user:password@redis.example.com:6380/0?tlsCA=/etc/ssl/redis.pem
//	{"addrs": ["10.0.0.1:7000", "10.0.0.2:7000"], "username": "app", "password": "${REDIS_PASSWORD}"}
//
// # In Redis
//
// Each session is one string: app:{<storage key>} in the namespace "app", and session:{…} without a namespace. Each user
// with sessions has one sorted set of storage keys, app:u:{<SHA-256 of the name>}, and each alias has another, app:a:{…}. A
// mark has the key of the session that it replaces, and is a sorted set too. In a namespace all characters except letters,
// digits, - and _ are escaped, so that two namespaces never share a key. No key contains any byte of a sid or a user's
// name.
//
// Reading a session takes one round trip, storing it takes another, and recording that it is in use takes one a minute. A
// save compares the version in a script; the answer to a conflict contains the stored record.
//
// # What can go wrong
//
// Redis acknowledges a write before its replicas have it. A failover may therefore lose the last changes, including
// logouts, and a failover ordered with SENTINEL FAILOVER may lose the changes of several seconds. With the parameter
// waitReplicas, logouts wait for replicas. With an eviction policy other than noeviction or volatile-ttl, Redis may end
// sessions when its memory is full.
package redis

import (
	"context"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

func init() {
	session.Register(session.ProviderRedis, session.NewProvider(Open))
	session.Register(session.ProviderRedisCluster, session.NewProvider(OpenCluster))
	session.Register(session.ProviderRedisSentinel, session.NewProvider(OpenSentinel))
}

// MaxPoolSize is the pool size for provider configs that set none, of all three providers. It applies to providers that are
// opened after it was set. Zero means ten connections for each CPU. In beego the default is 100, and 1000 in redis_cluster.
//
// Deprecated: set "poolSize" in the provider config.
var MaxPoolSize int

// SessionStore is another name of [session.Session], the type of every provider's Store. It keeps an application's type
// assertions on beego's stores working.
//
// Deprecated: use [session.Session].
type SessionStore = session.Session

// Open connects to one server, as the provider "redis" does. It tries the commands that it will need, without changing
// anything. Every error is a [*session.ConfigError] that names the setting or the server and shows no password.
//
// The result also implements [driver.Counter], [driver.Lister], [driver.UserLister], [driver.AliasLister],
// [driver.UserLimiter], [driver.Renamer], [driver.Marker], [driver.Watcher], [driver.Clearer], [driver.Pinger] and
// [io.Closer]. With c.Beego it implements only the last two.
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	return open(ctx, single, c)
}

// OpenCluster is [Open] for the provider "redis_cluster". Its result is not a [driver.Renamer], because the two keys of a
// rename are on different servers.
func OpenCluster(ctx context.Context, c driver.Config) (driver.Backend, error) {
	return open(ctx, cluster, c)
}

// OpenSentinel is [Open] for the provider "redis_sentinel".
func OpenSentinel(ctx context.Context, c driver.Config) (driver.Backend, error) {
	return open(ctx, sentinel, c)
}
