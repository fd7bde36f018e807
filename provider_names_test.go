package session_test

import (
	"testing"

	"github.com/seed1a8f7c28/session"
)

// The names are those of beego, also where no provider has registered itself yet.
func TestProviderNames(t *testing.T) {
	for name, want := range map[session.ProviderType]string{
		session.ProviderCookie: "cookie", session.ProviderFile: "file", session.ProviderMemory: "memory",
		session.ProviderRedis: "redis", session.ProviderRedisCluster: "redis_cluster", session.ProviderRedisSentinel: "redis_sentinel",
		session.ProviderMemcache: "memcache", session.ProviderMysql: "mysql", session.ProviderPostgresql: "postgresql",
		session.ProviderCouchbase: "couchbase", session.ProviderLedis: "ledis", session.ProviderSsdb: "ssdb",
	} {
		if name != want {
			t.Errorf("%q, want %q", name, want)
		}
	}
	m, err := session.NewManager(session.ProviderMemory, session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}
