package rediscall

import (
	"context"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/seed1a8f7c28/session/internal/framing"
	"github.com/seed1a8f7c28/session/internal/setting"
)

// A Pool has the settings of go-redis that engines for servers of other kinds share.
type Pool struct {
	Size              int // 0 for go-redis' default
	Dial, Read, Write time.Duration
	Idle              time.Duration // 0 for go-redis' default
}

// DefaultPool is for settings that are missing. The times leave room for a second try within the manager's opTimeout of
// 5 seconds.
var DefaultPool = Pool{Dial: 2 * time.Second, Read: 3 * time.Second, Write: 3 * time.Second}

// Check returns the error for the first setting that cannot be.
func (p *Pool) Check() error {
	switch {
	case p.Size < 0:
		return setting.Wrong("poolSize", "must not be negative")
	case p.Idle < 0:
		return setting.Wrong("idleTimeout", "must not be negative")
	}
	for _, t := range []struct {
		name string
		d    time.Duration
	}{{"dialTimeout", p.Dial}, {"readTimeout", p.Read}, {"writeTimeout", p.Write}} {
		if t.d < time.Millisecond {
			return setting.Wrong(t.name, "must be at least one millisecond")
		}
	}
	return nil
}

// Options returns the options of a client that repeats nothing by itself, and sends nothing that LedisDB and SSDB do not take.
// Each connection has the checks of package framing.
func (p *Pool) Options(network, addr string) *redis.Options {
	dial := redis.NewDialer(&redis.Options{DialTimeout: p.Dial})
	return &redis.Options{
		Network: network, Addr: addr, Protocol: 2, MaxRetries: -1, DialTimeout: p.Dial, DialerRetries: 1,
		ReadTimeout: p.Read, WriteTimeout: p.Write, ContextTimeoutEnabled: true, PoolSize: p.Size, PipelinePoolSize: -1,
		ConnMaxIdleTime: p.Idle, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return framing.Redis(conn), nil
		},
	}
}
