package redis_test

import (
	"context"
	"io"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/servertest"
	"github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessiontest"
)

type opener = func(context.Context, session.BackendConfig) (session.Backend, error)

// harness returns the kit's for a server that open connects to with config.
func harness(open opener, config func(t testing.TB) string) sessiontest.Harness {
	return sessiontest.Harness{
		Store: func(t testing.TB) sessiontest.Open {
			text := config(t)
			return func(ctx context.Context, c session.BackendConfig) (session.Backend, error) {
				c.Config = text
				return open(ctx, c)
			}
		},
		Floor: floor,
	}
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness(redis.Open, empty)) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness(redis.Open, empty), 12) }

// appUser may do what docs/providers/redis.md says that is needed, and that on the keys of the kit's namespaces.
const appUser = "user app on >se,cr:et ~ns* ~xns* ~session:* " + neededCommands

const neededCommands = "-@all +get +set +getrange +setrange +pexpiretime +pexpireat +unlink " +
	"+zadd +zrem +zrange +zscore +zcard +eval +evalsha +scan +ping +wait +exists"

func TestContractTLS(t *testing.T) {
	certs := servertest.NewCerts(t)
	s := servertest.StartRedis(t, servertest.RedisOptions{
		TLS: certs, ACL: []string{"user default off", appUser}, Config: []string{"tls-auth-clients yes"},
	})
	sessiontest.Run(t, harness(redis.Open, func(testing.TB) string {
		return `{"addr": "` + s.Addr + `", "username": "app", "password": "se,cr:et",
			"tlsCA": "` + certs.CA + `", "tlsCert": "` + certs.ClientCert + `", "tlsKey": "` + certs.ClientKey + `"}`
	}))
}

// TestContractClient is about an application's own client, with the newer protocol and retries of its own.
func TestContractClient(t *testing.T) {
	c := goredis.NewClient(&goredis.Options{Addr: empty(t), Protocol: 3, ContextTimeoutEnabled: true})
	defer c.Close()
	open := func(ctx context.Context, cfg session.BackendConfig) (session.Backend, error) {
		return redis.Over(ctx, c, cfg)
	}
	sessiontest.Run(t, harness(open, func(testing.TB) string { return "" }))
	must(t, c.Ping(t.Context()).Err()) // it was left open
}

func TestOptional(t *testing.T) {
	addr := empty(t)
	if _, ok := opened(t, redis.Open, session.BackendConfig{Config: addr}).(store); !ok {
		t.Error("an optional interface is missing")
	}
	b := opened(t, redis.Open, session.BackendConfig{Config: addr, Beego: true})
	if _, ok := b.(interface {
		session.Pinger
		io.Closer
	}); !ok {
		t.Error("beego mode: an optional interface is missing")
	}
}

func TestRegistered(t *testing.T) {
	addr := empty(t)
	m, err := session.NewManager("redis", session.NewManagerConfig(session.CfgProviderConfig(addr+",10")))
	must(t, err)
	must(t, m.Close())
}
