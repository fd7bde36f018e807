package fiber3_test

import (
	"bytes"
	"net"
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/frameworks"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

var sessions *session.Manager

func newApp(config fiber.Config) *fiber.App {
	app := fiber.New(config)
	app.Post("/login", login)
	app.Post("/count", count)
	app.Post("/logout", logout)
	server := app.Server()
	server.Handler = sessionfasthttp.Handler(sessions, server.Handler)
	return app
}

func login(c fiber.Ctx) error {
	ctx := c.RequestCtx()
	sess, err := sessions.FromContext(ctx)
	if err == nil {
		err = sess.Login(ctx, "ann") // whose password was right
	}
	if err != nil {
		return fiber.ErrServiceUnavailable
	}
	return c.SendStatus(fiber.StatusNoContent)
}

func count(c fiber.Ctx) error {
	ctx := c.RequestCtx()
	var n int64
	sess, err := sessions.FromContext(ctx)
	if err == nil {
		n, err = sess.Increment(ctx, "count", 1)
	}
	if err != nil {
		return fiber.ErrServiceUnavailable
	}
	return c.JSON(fiber.Map{"count": n})
}

func logout(c fiber.Ctx) error {
	if err := sessionfasthttp.Destroy(sessions, c.RequestCtx()); err != nil {
		return fiber.ErrServiceUnavailable
	}
	return c.SendStatus(fiber.StatusNoContent)
}

func TestRecipe(t *testing.T) {
	sessions = frameworks.Sessions(t)
	frameworks.Visit(t, serve(t, newApp(fiber.Config{})))
}

// TestConfig: what fiber has set up for its server stays.
func TestConfig(t *testing.T) {
	sessions = frameworks.Sessions(t)
	address := serve(t, newApp(fiber.Config{ServerHeader: "shop", BodyLimit: 10}))
	for size, want := range map[int]int{10: http.StatusNoContent, 11: http.StatusRequestEntityTooLarge} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/login", bytes.NewReader(make([]byte, size)))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Server"); res.StatusCode != want || got != "shop" {
			t.Errorf("%d bytes: %s from %q, want %d", size, res.Status, got, want)
		}
	}
}

func serve(t *testing.T, app *fiber.App) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}
