// Package redis keeps sessions in Redis 7.0 or later, under the provider names "redis", "redis_cluster" and
// "redis_sentinel":
//
//	import _ "github.com/seed1a8f7c28/session/redis"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "127.0.0.1:6379"
//	session.NewManager("redis", cfg)
//
// [New] makes a provider over an application's own client. Expiry is Redis' own: there is nothing to sweep.
//
// The provider config is beego's list, a URL or a JSON object; empty is 127.0.0.1:6379. The names of the URL's
// parameters and of the object's keys are the same, and in docs/providers/redis.md.
//
//	127.0.0.1:6379,100,password,0,300              address, pool size, password, database, idle timeout in seconds
//	10.0.0.1:7000;10.0.0.2:7000,100,password       redis_cluster
//	10.0.0.1:26379;10.0.0.2:26379,100,password,0,mymaster
//	rediss://user:password@redis.example.com:6380/0?tlsCA=/etc/ssl/redis.pem
//	{"addrs": ["10.0.0.1:7000", "10.0.0.2:7000"], "username": "app", "password": "${REDIS_PASSWORD}"}
//
// # In Redis
//
// Each session is one string, app:{<storage key>} in the namespace "app", and session:{…} without a namespace. Each
// user with sessions has one sorted set, app:u:{<SHA-256 of the name>}, of the storage keys, and each alias another,
// app:a:{…}. A mark has the key of the session in whose place it is, and is a sorted set, too. All in a
// namespace but letters, digits, - and _ is escaped, so that no two namespaces meet. No key has a byte of a sid or of
// a user's name in it.
//
// Reading a session takes one round trip, storing one another, and noting that it is used one a minute. A save compares
// the version in a script, and the answer to a conflict brings what is stored.
//
// # What can go wrong
//
// Redis acknowledges a write before replicas have it: a failover may take the last changes, logouts among them, and
// one that SENTINEL FAILOVER orders takes those of some seconds. The parameter waitReplicas has logouts wait. With an
// eviction policy other than noeviction or volatile-ttl Redis may end sessions when its memory is full.
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

// MaxPoolSize is the pool size where a provider config has none, for providers that are opened from then on, of all three names. Zero
// means ten connections for each CPU. In beego it is 100, and 1000 in redis_cluster.
//
// Deprecated: set "poolSize" in the provider config.
var MaxPoolSize int

// SessionStore is another name of [session.Session], which the Stores of all providers are, so that an application's type
// assertions on beego's stores hold.
//
// Deprecated: use [session.Session].
type SessionStore = session.Session

// Open connects to one server, as the provider "redis" does. It tries the commands that will be needed, changing
// nothing. The error is a [*session.ConfigError] that names the setting or the server, and shows no password.
//
// The result is a [driver.Counter], [driver.Lister], [driver.UserLister], [driver.AliasLister],
// [driver.UserLimiter], [driver.Renamer], [driver.Marker], [driver.Watcher], [driver.Clearer], [driver.Pinger] and an [io.Closer]; with c.Beego it is the
// last two alone.
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
	return open(ctx, single, c)
}

// OpenCluster is [Open] for the provider "redis_cluster". Its result is no [driver.Renamer]: the two keys are on different
// servers.
func OpenCluster(ctx context.Context, c driver.Config) (driver.Backend, error) {
	return open(ctx, cluster, c)
}

// OpenSentinel is [Open] for the provider "redis_sentinel".
func OpenSentinel(ctx context.Context, c driver.Config) (driver.Backend, error) {
	return open(ctx, sentinel, c)
}
