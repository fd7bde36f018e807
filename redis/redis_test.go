package redis_test

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessiontest"
)

type opener = func(context.Context, driver.Config) (driver.Backend, error)

// harness returns the kit's for a server that open connects to with config.
//
// The servers of tests that are parallel are theirs alone: what they leave to each other is the time that the kit
// spends waiting.
func harness(open opener, config func(t testing.TB) string) sessiontest.Harness {
	return sessiontest.Harness{
		Store: func(t testing.TB) sessiontest.Open {
			text := config(t)
			return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
				c.Config = text
				return open(ctx, c)
			}
		},
		Bounded: true,
		Floor:   floor,
	}
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness(redis.Open, empty)) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness(redis.Open, empty), 12) }

// appUser may do what docs/providers/redis.md says that is needed, and that on the keys of the kit's namespaces.
const appUser = "user app on >se,cr:et ~ns* ~xns* ~session:* &* " + neededCommands

const neededCommands = "-@all +get +set +getrange +setrange +pexpiretime +pexpireat +unlink " +
	"+zadd +zrem +zrange +zscore +zcard +eval +evalsha +scan +ping +wait +exists +publish +subscribe"

func TestContractTLS(t *testing.T) {
	t.Parallel()
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
	if os.Getenv("SESSION_SOAK") == "" {
		t.Skip("TestProtocol3 has what differs; all of it with SESSION_SOAK=1")
	}
	t.Parallel()
	c := goredis.NewClient(&goredis.Options{
		Addr: servertest.StartRedis(t, servertest.RedisOptions{}).Addr, Protocol: 3, ContextTimeoutEnabled: true,
	})
	defer c.Close()
	sessiontest.Run(t, harness(over(c), func(testing.TB) string { return "" }))
	must(t, c.Ping(t.Context()).Err()) // it was left open
}

// over returns how to open a backend over a client.
func over(c goredis.UniversalClient) opener {
	return func(ctx context.Context, cfg driver.Config) (driver.Backend, error) {
		return redis.Over(ctx, c, cfg)
	}
}

// TestProtocol3 reads the answers that have another form in the newer protocol: scores, and lists with them.
func TestProtocol3(t *testing.T) {
	c := goredis.NewClient(&goredis.Options{Addr: empty(t), Protocol: 3, ContextTimeoutEnabled: true})
	defer c.Close()
	b, ctx := opened(t, over(c), driver.Config{Namespace: "app"}).(store), t.Context()
	for i := range 4 {
		_, err := b.Reserve(ctx, "ann", key(i), time.Now().Add(time.Minute), 2, true)
		must(t, err)
		must(t, b.Create(ctx, key(i), newRecord("ann")))
	}
	if got := len(ofUser(t, b, "ann")); got != 2 {
		t.Errorf("ann has %d sessions, want 2", got)
	}
	rec := newRecord("bob")
	rec.Version = 7
	conflict, ok := errors.AsType[*driver.ConflictError](b.Save(ctx, key(3), rec))
	if !ok || conflict.Record.Version != 1 || conflict.Record.User != "ann" {
		t.Fatal("Save of another version is no conflict, or shows another record")
	}
	rec.Version = 1
	must(t, b.Save(ctx, key(3), rec))
	if n := c.ZCard(ctx, "app:u:{"+sessiontest.Key("ann")+"}").Val(); n != 1 {
		t.Errorf("ann's index has %d entries, want 1: the other session is bob's", n)
	}
	if got := ofUser(t, b, "bob"); !slices.Equal(got, []string{key(3)}) {
		t.Errorf("bob has %q", got)
	}
}

func TestOptional(t *testing.T) {
	addr := empty(t)
	if _, ok := opened(t, redis.Open, driver.Config{Config: addr}).(store); !ok {
		t.Error("an optional interface is missing")
	}
	b := opened(t, redis.Open, driver.Config{Config: addr, Beego: true})
	if _, ok := b.(interface {
		driver.Pinger
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
