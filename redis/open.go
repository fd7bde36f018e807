package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/framing"
	"github.com/seed1a8f7c28/session/internal/rediscall"
	"github.com/seed1a8f7c28/session/internal/setting"
)

// openTimeout limits the opening if ctx has no deadline.
const openTimeout = 5 * time.Second

func open(ctx context.Context, k kind, c driver.Config) (driver.Backend, error) {
	cfg, err := parse(k, c.Config)
	if err != nil {
		return nil, err
	}
	s := newClient(cfg.connect(), true, replicas{cfg.settings.WaitReplicas, cfg.settings.WaitTimeout})
	b, err := s.backend(ctx, c, cfg.settings.Coalesce)
	if err != nil {
		return nil, &driver.ConfigError{Field: "providerConfig", Err: fmt.Errorf(
			"%s at %s: %w", names[k], strings.Join(cfg.addrs, ", "), err)}
	}
	return b, nil
}

// backend returns the backend over a client, after checking that the server answers and permits the commands. If it returns
// an error it closes s.
func (s *client) backend(ctx context.Context, c driver.Config, coalesce bool) (_ driver.Backend, err error) {
	s.logger = c.Logger
	rediscall.Lines.Add(s.logger)
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := s.Ping(ctx); err != nil {
		return nil, explain(err)
	}
	if c.Beego {
		b := &beego{client: s, lifetime: c.Lifetime}
		return b, explain(b.probe(ctx))
	}
	b := &store{client: s, keys: keysOf(c.Namespace), read: s.record}
	if coalesce && s.ordered { // in a cluster all loads of a trip would wait for the slowest server
		b.read = (&coalescer{client: s}).record
	}
	if err := b.probe(ctx); err != nil || !s.ordered {
		return b, explain(err)
	}
	return &renamer{b}, nil
}

// probe runs the commands that will be needed on names that do not exist, so that it changes nothing. The server returns an
// error for a command that it does not know or does not permit.
func (s *store) probe(ctx context.Context) error {
	name, index := s.keys.session("probe"), s.keys.prefix+"u:{probe}"
	calls := []*call{
		plainCall("pexpiretime", name),
		plainCall("exists", name),
		plainCall("get", name),
		plainCall("getrange", name, 0, 1),
		plainCall("set", name, "", "xx", "pxat", 1),
		plainCall("setrange", name, 0, ""), // nothing creates no key
		saveScript.call(name, "", "", 1, "", "1"),
		touchScript.call(name, 1, 1, ""),
		deleteScript.call(name, "", s.keys.channel(), "", "", 0),
		plainCall("zadd", index, "xx", 0, ""),
		plainCall("zrange", index, 0, -1),
		plainCall("zscore", index, ""),
		plainCall("zcard", index),
		plainCall("zrem", index, ""),
		plainCall("pexpireat", index, 1, "gt"),
	}
	if s.ordered { // in a cluster no single server has all of these names
		calls = append(calls, renameScript.callOn([]string{name, s.keys.session("probe2")}, "", "", 1, s.keys.channel(), "", "", 0, 0, "", 0))
		for i := range 8 {
			calls = append(calls, plainCall("pexpiretime", s.keys.session("probe"+strconv.Itoa(i))))
		}
	}
	if err := s.send(ctx, "open", calls...); err != nil {
		return err
	}
	return s.probeAsking(ctx)
}

// probeAsking sends each master of a cluster the command that a client sends while slots move. ASKING applies to the next
// command.
func (s *client) probeAsking(ctx context.Context) error {
	if _, ok := s.rdb.(*redis.ClusterClient); !ok {
		return nil
	}
	return s.eachMaster(ctx, func(ctx context.Context, node redis.UniversalClient) error {
		return (&client{rdb: node}).send(ctx, "open", plainCall("asking"), plainCall("ping"))
	})
}

// explain adds a hint to an error of the opening.
func explain(err error) error {
	hint := ""
	switch {
	case err == nil:
		return nil
	case redis.HasErrorPrefix(err, "unknown command"):
		hint = "Redis 7.0 or later is needed"
	case redis.HasErrorPrefix(err, "MOVED"):
		hint = "the server belongs to a cluster: use the provider redis_cluster"
	case redis.HasErrorPrefix(err, "READONLY"):
		hint = "the server is a replica: configure the address of the master, or use redis_sentinel"
	default:
		return err
	}
	return fmt.Errorf("%s: %w", hint, err)
}

// connect makes the client. The client repeats nothing by itself: see call.
func (c *config) connect() redis.UniversalClient {
	s, dial := c.settings, c.dialer()
	switch c.kind {
	case cluster:
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: c.addrs, Dialer: dial, Protocol: 2, Username: s.Username, Password: s.Password,
			MaxRetries: -1, DialTimeout: s.DialTimeout, DialerRetries: 1, ReadTimeout: s.ReadTimeout, WriteTimeout: s.WriteTimeout,
			ContextTimeoutEnabled: true, PoolSize: s.PoolSize, PipelinePoolSize: -1, ConnMaxIdleTime: s.IdleTimeout,
			ClusterStateReloadInterval: time.Second, DisableRoutingPolicies: true, DisableIdentity: true,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})
	case sentinel:
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: s.MasterName, SentinelAddrs: c.addrs, SentinelUsername: s.SentinelUsername, SentinelPassword: s.SentinelPassword,
			Dialer: dial, Protocol: 2, Username: s.Username, Password: s.Password, DB: s.DB,
			MaxRetries: -1, DialTimeout: s.DialTimeout, DialerRetries: 1, ReadTimeout: s.ReadTimeout, WriteTimeout: s.WriteTimeout,
			ContextTimeoutEnabled: true, PoolSize: s.PoolSize, PipelinePoolSize: -1, ConnMaxIdleTime: s.IdleTimeout,
			DisableIdentity: true,
		})
	}
	return redis.NewClient(&redis.Options{
		Network: c.network, Addr: c.addrs[0], Dialer: dial, Protocol: 2, Username: s.Username, Password: s.Password, DB: s.DB,
		MaxRetries: -1, DialTimeout: s.DialTimeout, DialerRetries: 1, ReadTimeout: s.ReadTimeout, WriteTimeout: s.WriteTimeout,
		ContextTimeoutEnabled: true, PoolSize: s.PoolSize, PipelinePoolSize: -1, ConnMaxIdleTime: s.IdleTimeout,
		DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// dialer returns the function that makes a connection to any of the servers: as go-redis makes it, including TLS, with the
// checks of package framing.
func (c *config) dialer() func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := redis.NewDialer(&redis.Options{DialTimeout: c.settings.DialTimeout, TLSConfig: c.tls})
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return framing.Redis(conn), nil
	}
}

// An Option is a setting of a provider made by [New].
type Option func(*options)

type options struct {
	replicas
	coalesce bool
}

// Coalesce says whether concurrent loads share round trips. The default is true. In a cluster they never do.
func Coalesce(on bool) Option { return func(o *options) { o.coalesce = on } }

// WaitReplicas makes each deletion of a session wait until count replicas have confirmed it, so that a failover does not
// bring the session back. If they do not confirm it within timeout, the deletion returns an error, although the session has
// been removed from the master. timeout must be shorter than the client's ReadTimeout.
func WaitReplicas(count int, timeout time.Duration) Option {
	return func(o *options) { o.replicas = replicas{count, timeout} }
}

// New returns a provider over an application's own client, for one server, for sentinels or for a cluster. It accepts no
// provider config. Closing a manager does not close the client. Commands that must not run twice are not repeated, whatever
// the client's MaxRetries. Set ContextTimeoutEnabled in the client's options; without it calls last as long as the client's
// own timeouts allow. This package cannot check the replies that such a client reads: a server that announces false lengths
// can end the process.
func New(rdb redis.UniversalClient, opts ...Option) session.Provider {
	return session.NewProvider(func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		o := options{coalesce: true}
		for _, set := range opts {
			set(&o)
		}
		switch {
		case c.Config != "":
			return nil, setting.Wrong("", "must be empty: the provider was made with a client")
		case rdb == nil:
			return nil, &driver.ConfigError{Field: "provider", Err: errors.New("the client is nil")}
		}
		b, err := newClient(rdb, false, o.replicas).backend(ctx, c, o.coalesce)
		if err != nil {
			return nil, &driver.ConfigError{Field: "provider", Err: err}
		}
		return b, nil
	})
}
