// Package redis keeps sessions in Redis 7 or later.
package redis

import (
	"context"

	"github.com/seed1a8f7c28/session"
)

func init() {
	session.Register(session.ProviderRedis, session.NewProvider(Open))
	session.Register(session.ProviderRedisCluster, session.NewProvider(OpenCluster))
	session.Register(session.ProviderRedisSentinel, session.NewProvider(OpenSentinel))
}

// Open opens a connection to one server, as the provider "redis". The error is a [*session.ConfigError] that names
// the setting or the server, and no password.
//
// The result is a [session.Counter], [session.Lister], [session.UserLister], [session.UserLimiter],
// [session.Clearer], [session.Pinger] and an [io.Closer]; with c.Beego the last two alone.
func Open(ctx context.Context, c session.BackendConfig) (session.Backend, error) {
	return open(ctx, single, c)
}

// OpenCluster is [Open] for the provider "redis_cluster".
func OpenCluster(ctx context.Context, c session.BackendConfig) (session.Backend, error) {
	return open(ctx, cluster, c)
}

// OpenSentinel is [Open] for the provider "redis_sentinel".
func OpenSentinel(ctx context.Context, c session.BackendConfig) (session.Backend, error) {
	return open(ctx, sentinel, c)
}
