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

// A Pool has the settings of go-redis that the engines of LedisDB and SSDB share. It is embedded in their settings.
type Pool struct {
	Size         int              `json:"poolSize"` // 0 for go-redis' default
	DialTimeout  setting.Duration `json:"dialTimeout"`
	ReadTimeout  setting.Duration `json:"readTimeout"`
	WriteTimeout setting.Duration `json:"writeTimeout"`
	IdleTimeout  setting.Duration `json:"idleTimeout"` // 0 for go-redis' default
}

// DefaultPool is what settings begin with. The times leave room for a second try within the manager's opTimeout of 5 seconds.
var DefaultPool = Pool{
	DialTimeout: setting.Duration(2 * time.Second), ReadTimeout: setting.Duration(3 * time.Second),
	WriteTimeout: setting.Duration(3 * time.Second),
}

// Check returns the error for the first setting that cannot be.
func (p *Pool) Check() error {
	switch {
	case p.Size < 0:
		return setting.Wrong("poolSize", "must not be negative")
	case p.IdleTimeout < 0:
		return setting.Wrong("idleTimeout", "must not be negative")
	}
	for _, t := range []struct {
		name string
		d    setting.Duration
	}{{"dialTimeout", p.DialTimeout}, {"readTimeout", p.ReadTimeout}, {"writeTimeout", p.WriteTimeout}} {
		if time.Duration(t.d) < time.Millisecond {
			return setting.Wrong(t.name, "must be at least one millisecond")
		}
	}
	return nil
}

// Options returns the options of a client that repeats nothing by itself, and sends nothing that LedisDB and SSDB do not take.
// Each connection has the checks of package framing.
func (p *Pool) Options(network, addr string) *redis.Options {
	dialTimeout := time.Duration(p.DialTimeout)
	dial := redis.NewDialer(&redis.Options{DialTimeout: dialTimeout})
	return &redis.Options{
		Network: network, Addr: addr, Protocol: 2, MaxRetries: -1, DialTimeout: dialTimeout, DialerRetries: 1,
		ReadTimeout: time.Duration(p.ReadTimeout), WriteTimeout: time.Duration(p.WriteTimeout), ContextTimeoutEnabled: true,
		PoolSize: p.Size, PipelinePoolSize: -1, ConnMaxIdleTime: time.Duration(p.IdleTimeout), DisableIdentity: true,
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
