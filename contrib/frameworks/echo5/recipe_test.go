package echo5_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/frameworks"
)

var sessions *session.Manager

func newServer() http.Handler {
	e := echo.New()
	e.POST("/login", login)
	e.POST("/count", count)
	e.POST("/logout", logout)
	return sessions.Handler(e)
}

func login(c *echo.Context) error {
	ctx := c.Request().Context()
	sess, err := sessions.FromContext(ctx)
	if err == nil {
		err = sess.Login(ctx, "ann") // whose password was right
	}
	if err != nil {
		return echo.NewHTTPError(http.StatusServiceUnavailable, "try again")
	}
	return c.NoContent(http.StatusNoContent)
}

func count(c *echo.Context) error {
	ctx := c.Request().Context()
	var n int64
	sess, err := sessions.FromContext(ctx)
	if err == nil {
		n, err = sess.Increment(ctx, "count", 1)
	}
	if err != nil {
		return echo.NewHTTPError(http.StatusServiceUnavailable, "try again")
	}
	return c.JSON(http.StatusOK, map[string]int64{"count": n})
}

func logout(c *echo.Context) error {
	ctx := c.Request().Context()
	sess, err := sessions.FromContext(ctx)
	if err == nil {
		err = sess.Logout(ctx)
	}
	if err != nil {
		return echo.NewHTTPError(http.StatusServiceUnavailable, "try again")
	}
	return c.NoContent(http.StatusNoContent)
}

func countAlone(c *echo.Context) error {
	ctx := c.Request().Context()
	sess, err := sessions.Start(c.Response(), c.Request())
	if err != nil {
		return echo.NewHTTPError(http.StatusServiceUnavailable, "try again")
	}
	defer sess.SessionRelease(ctx, c.Response())
	n, err := sess.Increment(ctx, "count", 1)
	if err != nil {
		return echo.NewHTTPError(http.StatusServiceUnavailable, "try again")
	}
	return c.JSON(http.StatusOK, map[string]int64{"count": n})
}

func TestRecipe(t *testing.T) {
	sessions = frameworks.Sessions(t)
	frameworks.Visit(t, frameworks.Serve(t, newServer()))
}

// TestMiddleware has the manager among echo's own middleware.
func TestMiddleware(t *testing.T) {
	sessions = frameworks.Sessions(t)
	e := echo.New()
	e.Use(echo.WrapMiddleware(sessions.Handler))
	e.POST("/login", login)
	e.POST("/count", count)
	e.POST("/logout", logout)
	frameworks.Visit(t, frameworks.Serve(t, e))
}

func TestWithoutHandler(t *testing.T) {
	sessions = frameworks.Sessions(t)
	e := echo.New()
	e.POST("/count", countAlone)
	b := &frameworks.Browser{Address: frameworks.Serve(t, e)}
	b.Count(t, "1")
	b.Count(t, "2")
}
