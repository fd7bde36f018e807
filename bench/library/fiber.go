package library

import (
	"net"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/session"
	"github.com/gofiber/storage/redis/v3"
	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session/bench/workload"
)

var fiberSession = Library{
	Name: "fiber", Module: "github.com/gofiber/fiber/v3",
	Keeps: "each request writes back all that it has read",
	On: map[string]func(Target) (*workload.App, error){
		"memory": func(Target) (*workload.App, error) { return onFiber(session.Config{}), nil },
		"redis": func(t Target) (*workload.App, error) {
			host, port, err := net.SplitHostPort(t.Addr)
			if err != nil {
				return nil, err
			}
			number, err := strconv.Atoi(port)
			if err != nil {
				return nil, err
			}
			storage := redis.New(redis.Config{Host: host, Port: number})
			return onFiber(session.Config{Storage: storage}).Closing(storage.Close), nil
		},
	},
}

func onFiber(cfg session.Config) *workload.App {
	calls := workload.Calls[fiber.Ctx, *session.Middleware]{
		Open: func(c fiber.Ctx) (*session.Middleware, error) { return session.FromContext(c), nil },
		Get:  func(_ fiber.Ctx, s *session.Middleware, key string) (any, error) { return s.Get(key), nil },
		Set: func(_ fiber.Ctx, s *session.Middleware, key string, value any) error {
			s.Set(key, value)
			return nil
		},
		Destroy: func(_ fiber.Ctx, s *session.Middleware) error { return s.Reset() },
	}
	middleware, store := session.NewWithStore(cfg)
	store.RegisterType(time.Time{})
	return &workload.App{Fast: func(op workload.Op) fasthttp.RequestHandler {
		app := fiber.New()
		app.Use(middleware)
		app.Get(op.Path(), func(c fiber.Ctx) error {
			body, err := calls.Do(op, c)
			if err != nil {
				return err
			}
			return c.SendString(body)
		})
		return app.Handler()
	}}
}
