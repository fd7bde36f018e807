package library

import (
	"net/http"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-contrib/sessions/memstore"
	"github.com/gin-gonic/gin"

	"github.com/seed1a8f7c28/session/bench/workload"
)

var ginContrib = Library{
	Name: "gin-contrib", Module: "github.com/gin-contrib/sessions",
	Keeps: "a save writes back all that the request has read",
	On: map[string]func(Target) (*workload.App, error){
		"memory": func(Target) (*workload.App, error) { return onGin(memstore.NewStore([]byte(key))), nil },
		"cookie": func(Target) (*workload.App, error) { return onGin(cookie.NewStore([]byte(key))), nil },
	},
}

func onGin(store sessions.Store) *workload.App {
	calls := workload.Calls[*gin.Context, sessions.Session]{
		Open: func(c *gin.Context) (sessions.Session, error) { return sessions.Default(c), nil },
		Get:  func(_ *gin.Context, s sessions.Session, key string) (any, error) { return s.Get(key), nil },
		Set: func(_ *gin.Context, s sessions.Session, key string, value any) error {
			s.Set(key, value)
			return nil
		},
		Save: func(_ *gin.Context, s sessions.Session) error { return s.Save() },
		Destroy: func(_ *gin.Context, s sessions.Session) error {
			s.Options(sessions.Options{MaxAge: -1})
			return s.Save()
		},
	}
	gin.SetMode(gin.ReleaseMode)
	return &workload.App{HTTP: func(op workload.Op) http.Handler {
		engine := gin.New() // without the log of each request that gin.Default writes
		engine.Use(sessions.Sessions("mysession", store))
		engine.GET(op.Path(), func(c *gin.Context) {
			body, err := calls.Do(op, c)
			if err != nil {
				c.String(http.StatusInternalServerError, "%v", err)
				return
			}
			_, _ = c.Writer.WriteString(body)
		})
		return engine
	}}
}
