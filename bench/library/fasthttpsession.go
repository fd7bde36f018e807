package library

import (
	"time"

	"github.com/fasthttp/session/v2"
	"github.com/fasthttp/session/v2/providers/memcache"
	"github.com/fasthttp/session/v2/providers/memory"
	"github.com/fasthttp/session/v2/providers/redis"
	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session/bench/workload"
)

var fasthttpSession = Library{
	Name: "fasthttp/session", Module: "github.com/fasthttp/session/v2",
	Keeps: "each request writes back all that it has read; in memory the keys share memory with requests, and a session that comes by " +
		"another connection, after the first has carried others, is not found",
	On: map[string]func(Target) (*workload.App, error){
		"memory": func(Target) (*workload.App, error) {
			provider, err := memory.New(memory.Config{})
			return onFasthttpSession(provider, err)
		},
		"redis": func(t Target) (*workload.App, error) {
			provider, err := redis.New(redis.Config{
				KeyPrefix: "session", Addr: t.Addr, PoolSize: 8, ConnMaxIdleTime: 30 * time.Second,
			})
			return onFasthttpSession(provider, err)
		},
		"memcache": func(t Target) (*workload.App, error) {
			provider, err := memcache.New(memcache.Config{
				KeyPrefix: "session", ServerList: []string{t.Addr}, MaxIdleConns: 8,
			})
			return onFasthttpSession(provider, err)
		},
	},
}

func onFasthttpSession(provider session.Provider, err error) (*workload.App, error) {
	if err != nil {
		return nil, err
	}
	cfg := session.NewDefaultConfig()
	cfg.EncodeFunc = session.MSGPEncode
	cfg.DecodeFunc = session.MSGPDecode
	serverSession := session.New(cfg)
	if err := serverSession.SetProvider(provider); err != nil {
		return nil, err
	}
	return workload.OnFast(workload.Calls[*fasthttp.RequestCtx, *session.Store]{
		Open: func(ctx *fasthttp.RequestCtx) (*session.Store, error) { return serverSession.Get(ctx) },
		Get: func(_ *fasthttp.RequestCtx, s *session.Store, key string) (any, error) {
			return stringsOf(s.Get(key)), nil
		},
		Set: func(_ *fasthttp.RequestCtx, s *session.Store, key string, value any) error {
			s.Set(key, value)
			return nil
		},
		Release: func(ctx *fasthttp.RequestCtx, s *session.Store) error { return serverSession.Save(ctx, s) },
		Destroy: func(ctx *fasthttp.RequestCtx, _ *session.Store) error { return serverSession.Destroy(ctx) },
	}, nil), nil
}

// stringsOf makes a list of strings of what MessagePack has made of one. Everything else is as it was stored.
func stringsOf(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	texts := make([]string, len(list))
	for i := range list {
		texts[i], _ = list[i].(string)
	}
	return texts
}
