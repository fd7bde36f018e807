package library

import (
	"encoding/base64"
	"time"

	"github.com/kataras/go-sessions/v3"
	"github.com/kataras/go-sessions/v3/sessiondb/redis"
	"github.com/kataras/go-sessions/v3/sessiondb/redis/service"

	"github.com/seed1a8f7c28/session/bench/workload"
)

var goSessions = Library{
	Name: "go-sessions", Module: "github.com/kataras/go-sessions/v3",
	Keeps: "in memory all requests share the values; in redis each value has a key of its own, written at once, as JSON",
	On: map[string]func(Target) (*workload.App, error){
		"memory": func(Target) (*workload.App, error) {
			sess := sessions.New(sessions.Config{Cookie: "sessionscookieid"})
			return onGoSessions(sess, (*sessions.Session).Get), nil
		},
		"redis": func(t Target) (*workload.App, error) {
			db := redis.New(service.Config{
				Network: service.DefaultRedisNetwork, Addr: t.Addr, IdleTimeout: service.DefaultRedisIdleTimeout,
			})
			s := sessions.New(sessions.Config{Cookie: "sessionscookieid"})
			s.UseDatabase(db)
			return onGoSessions(s, getJSON).Closing(db.Close), nil
		},
	},
}

// getJSON is for stores that keep JSON, which does not know all types.
func getJSON(s *sessions.Session, key string) any {
	switch v := s.Get(key).(type) {
	case float64:
		return int64(v)
	case []any:
		return stringsOf(v)
	case string:
		return fromJSON(key, v)
	default:
		return v
	}
}

// fromJSON returns what encoding/json has made a string of.
func fromJSON(key, text string) any {
	var err error
	var v any = text
	switch key {
	case "token":
		v, err = base64.StdEncoding.DecodeString(text)
	case "since":
		v, err = time.Parse(time.RFC3339Nano, text)
	}
	if err != nil {
		return err
	}
	return v
}

func onGoSessions(sess *sessions.Sessions, get func(s *sessions.Session, key string) any) *workload.App {
	return workload.OnHTTP(workload.Calls[workload.HTTP, *sessions.Session]{
		Open: func(c workload.HTTP) (*sessions.Session, error) { return sess.Start(c.W, c.R), nil },
		Get:  func(_ workload.HTTP, s *sessions.Session, key string) (any, error) { return get(s, key), nil },
		Set: func(_ workload.HTTP, s *sessions.Session, key string, value any) error {
			s.Set(key, value)
			return nil
		},
		Destroy: func(c workload.HTTP, _ *sessions.Session) error {
			sess.Destroy(c.W, c.R)
			return nil
		},
	}, nil)
}
