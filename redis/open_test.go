package redis_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/goroutines"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// TestOpenError opens what cannot work: the error says what is wrong, in time, and nothing is left behind.
func TestOpenError(t *testing.T) {
	const secret = "s3cr3t"
	certs, others := servertest.NewCerts(t), servertest.NewCerts(t)
	plain := empty(t)
	locked := servertest.StartRedis(t, servertest.RedisOptions{Password: "right", ACL: []string{
		"user reader on >" + secret + " ~* +@read +ping", "user elsewhere on >" + secret + " ~other:* +@all",
	}}).Addr
	secure := servertest.StartRedis(t, servertest.RedisOptions{TLS: certs}).Addr
	old := servertest.StartRedis(t, servertest.RedisOptions{Config: []string{"rename-command PEXPIRETIME ''"}}).Addr
	replica := servertest.StartRedis(t, servertest.RedisOptions{
		Config: []string{"replicaof " + strings.Replace(plain, ":", " ", 1)},
	}).Addr
	node := servertest.RedisCluster(t).Masters[0].Addr
	master := servertest.RedisSentinel(t)
	hole := servertest.NewProxy(t, plain)
	hole.Blackhole(true)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody := free.Addr().String()
	free.Close()

	for _, tt := range []struct {
		name, config string
		open         opener
		says         string
	}{
		{"nobody listens", nobody, redis.Open, "refused"},
		{"no answer", hole.Addr, redis.Open, hole.Addr},
		{"nobody listens, cluster", nobody, redis.OpenCluster, nobody},
		{"nobody listens, sentinel", nobody, redis.OpenSentinel, nobody},
		{"no such host", "nowhere.invalid:6379", redis.Open, "nowhere.invalid"},
		{"no password", locked, redis.Open, "NOAUTH"},
		{"wrong password", locked + ",1," + secret, redis.Open, "WRONGPASS"},
		{"wrong user", "redis://nobody:" + secret + "@" + locked, redis.Open, "WRONGPASS"},
		{"user who may only read", "redis://reader:" + secret + "@" + locked, redis.Open, "permissions"},
		{"user with other keys", "redis://elsewhere:" + secret + "@" + locked, redis.Open, "permissions"},
		{"database", plain + ",1,,99", redis.Open, "DB index"},
		{"no TLS where it must be", secure, redis.Open, secure},
		{"TLS where there is none", "rediss://" + plain, redis.Open, plain},
		{"another authority", `{"addr": "` + secure + `", "tlsCA": "` + others.CA + `"}`, redis.Open, "authority"},
		{"unknown authority", "rediss://" + secure, redis.Open, "authority"},
		{"another name", `{"addr": "` + secure + `", "tlsCA": "` + certs.CA + `", "tlsServerName": "else.where"}`, redis.Open, "else.where"},
		{"before 7.0", old, redis.Open, "7.0"},
		{"a replica", replica, redis.Open, "replica"},
		{"a cluster's node", node, redis.Open, "redis_cluster"},
		{"a sentinel", master.Addrs[0], redis.Open, master.Addrs[0]},
		{"no cluster", plain, redis.OpenCluster, "cluster support disabled"},
		{"unknown master", master.Addrs[0] + ",1,,0,other", redis.OpenSentinel, master.Addrs[0]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			limit := 5 * time.Second // that of a manager: who answers late says the same
			if tt.config == hole.Addr {
				limit = time.Second // it would take three by itself
			}
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			family, err := goroutines.NewFamily(), error(nil)
			family.Do(func() { _, err = tt.open(ctx, driver.Config{Config: tt.config, Namespace: "app"}) })
			if took := time.Since(begin); took > limit+1800*time.Millisecond {
				t.Errorf("it took %v, want %v at most", took, limit)
			}
			c, ok := errors.AsType[*session.ConfigError](err)
			switch {
			case !ok || c.Field != "providerConfig":
				t.Fatalf("%v, want a *ConfigError of providerConfig", err)
			case !strings.Contains(err.Error(), tt.says), strings.Contains(err.Error(), secret):
				t.Errorf("%v, want an error that says %q and shows no password", err, tt.says)
			}
			family.Gone(t)
		})
	}
	t.Run("no answer, no deadline", func(t *testing.T) {
		begin := time.Now()
		if _, err := redis.Open(context.Background(), driver.Config{Config: hole.Addr}); err == nil {
			t.Error("Open succeeded")
		}
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("it took %v", took)
		}
	})
	t.Run("tlsInsecure", func(t *testing.T) {
		opened(t, redis.Open, driver.Config{Config: "rediss://" + secure + "?tlsInsecure=true"})
	})
}

// TestClose checks that nothing is left of a backend of each kind.
func TestClose(t *testing.T) {
	addr, cluster, sentinel := empty(t), clusterConfig(t), sentinelConfig(t)
	for i, open := range []opener{redis.Open, redis.OpenCluster, redis.OpenSentinel} {
		family := goroutines.NewFamily()
		family.Do(func() {
			b, err := open(t.Context(), driver.Config{Config: []string{addr, cluster, sentinel}[i]})
			must(t, err)
			must(t, b.Create(t.Context(), key(1), newRecord("ann")))
			for range 2 {
				must(t, b.(store).Close())
			}
			if err := b.Load(t.Context(), key(1), new(driver.Record)); !errors.Is(err, goredis.ErrClosed) {
				t.Errorf("Load after Close = %v", err)
			}
		})
		family.Gone(t)
	}
}

// TestNew is about the provider over an application's client.
func TestNew(t *testing.T) {
	c := bare(t, empty(t))
	m, err := session.New(redis.New(c), session.NewManagerConfig(session.CfgNamespace("app")))
	must(t, err)
	must(t, m.Close())
	must(t, c.Ping(t.Context()).Err())
	for name, open := range map[string]func() (*session.Manager, error){
		"a config": func() (*session.Manager, error) {
			return session.New(redis.New(c), session.NewManagerConfig(session.CfgProviderConfig("127.0.0.1:1")))
		},
		"no client": func() (*session.Manager, error) { return session.New(redis.New(nil), session.NewManagerConfig()) },
		"no server": func() (*session.Manager, error) {
			gone := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
			defer gone.Close()
			return session.New(redis.New(gone), session.NewManagerConfig())
		},
	} {
		_, err := open()
		if _, ok := errors.AsType[*session.ConfigError](err); !ok {
			t.Errorf("%s: %v, want a *ConfigError", name, err)
		}
	}
}

func TestPing(t *testing.T) {
	s := servertest.StartRedis(t, servertest.RedisOptions{})
	b := node(t, s.Addr, "app")
	must(t, b.Ping(t.Context()))
	s.Stop(t)
	if err := b.Ping(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "session/redis: ping: ") {
		t.Errorf("Ping of a server that is down = %v", err)
	}
}

// TestPings restarts a server behind an idle node.
func TestPings(t *testing.T) {
	s := servertest.StartRedis(t, servertest.RedisOptions{})
	p := servertest.NewProxy(t, s.Addr)
	faulttest.Pings(t, s, p, node(t, p.Addr, "app"))
}

// TestMissingRights takes one right after the other from the user that docs/providers/redis.md describes: NewManager returns an
// error. SCAN is for lists alone and WAIT for waitReplicas; SUBSCRIBE and PUBLISH are optional. EVAL is sent where EVALSHA
// finds nothing.
func TestMissingRights(t *testing.T) {
	s := servertest.StartRedis(t, servertest.RedisOptions{})
	admin := bare(t, s.Addr)
	set := func(rules ...string) {
		t.Helper()
		args := []any{"acl", "setuser", "app", "on", ">secret"}
		for _, rule := range rules {
			args = append(args, rule)
		}
		must(t, admin.Do(t.Context(), args...).Err())
	}
	set(append(strings.Fields(neededCommands), "~session:*", "&*")...)
	open := func() error {
		m, err := nodes(redis.Open, "redis://app:secret@"+s.Addr)()
		if err == nil {
			m.Close()
		}
		return err
	}
	must(t, open())
	for rule := range strings.FieldsSeq(neededCommands) {
		command, is := strings.CutPrefix(rule, "+")
		if !is || slices.Contains([]string{"scan", "wait", "subscribe", "publish", "ping", "eval"}, command) {
			continue
		}
		set("-" + command)
		if err := open(); err == nil || !strings.Contains(err.Error(), "can't run this command") && !strings.Contains(err.Error(), command) {
			t.Errorf("without the right to %s: %v", command, err)
		}
		set("+" + command)
	}
	must(t, open())
}
