package library

import (
	"context"
	"encoding/gob"
	"errors"
	"io"
	"time"

	"github.com/boj/redistore"
	"github.com/gorilla/sessions"
	"github.com/quasoft/memstore"
	"github.com/rbcervilla/redisstore/v9"
	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/bench/workload"
)

// gob knows the types of all values but one.
func init() { gob.Register(time.Time{}) }

var (
	gorilla = Library{
		Name: "gorilla", Module: "github.com/gorilla/sessions",
		Keeps: "a save writes back all that the request has read; the cookie is signed, not encrypted, since the README's example has one key",
		On: map[string]func(Target) (*workload.App, error){
			"memory": func(Target) (*workload.App, error) {
				return onGorilla(memstore.NewMemStore([]byte(key), []byte(key)), nil), nil
			},
			"cookie": func(Target) (*workload.App, error) { return onGorilla(sessions.NewCookieStore([]byte(key)), nil), nil },
			"file": func(t Target) (*workload.App, error) {
				return onGorilla(sessions.NewFilesystemStore(t.Dir, []byte(key)), nil), nil
			},
		},
	}
	gorillaRedis = Library{
		Name: "gorilla redisstore", Module: "github.com/rbcervilla/redisstore/v9",
		On: map[string]func(Target) (*workload.App, error){"redis": func(t Target) (*workload.App, error) {
			client := redis.NewClient(&redis.Options{Addr: t.Addr})
			store, err := redisstore.NewRedisStore(context.Background(), client)
			if err != nil {
				return nil, errors.Join(err, client.Close())
			}
			return onGorilla(store, client), nil
		}},
	}
	gorillaRedigo = Library{
		Name: "gorilla redistore", Module: "github.com/boj/redistore",
		On: map[string]func(Target) (*workload.App, error){"redis": func(t Target) (*workload.App, error) {
			store, err := redistore.NewRediStore(10, "tcp", t.Addr, "", "", []byte(key))
			if err != nil {
				return nil, err
			}
			return onGorilla(store, store), nil
		}},
	}
)

func onGorilla(store sessions.Store, closer io.Closer) *workload.App {
	app := workload.OnHTTP(workload.Calls[workload.HTTP, *sessions.Session]{
		Open: func(c workload.HTTP) (*sessions.Session, error) { return store.Get(c.R, "session-name") },
		Get: func(_ workload.HTTP, s *sessions.Session, key string) (any, error) {
			return s.Values[key], nil
		},
		Set: func(_ workload.HTTP, s *sessions.Session, key string, value any) error {
			s.Values[key] = value
			return nil
		},
		Save: func(c workload.HTTP, s *sessions.Session) error { return s.Save(c.R, c.W) },
		Destroy: func(c workload.HTTP, s *sessions.Session) error {
			s.Options.MaxAge = -1
			return s.Save(c.R, c.W)
		},
	}, nil)
	if closer != nil {
		return app.Closing(closer.Close)
	}
	return app
}
