package gin_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/frameworks"
)

var sessions *session.Manager

func newServer() http.Handler {
	engine := gin.Default()
	engine.POST("/login", login)
	engine.POST("/count", count)
	engine.POST("/logout", logout)
	return sessions.Handler(engine)
}

func login(c *gin.Context) {
	ctx := c.Request.Context()
	sess, err := sessions.FromContext(ctx)
	if err == nil {
		err = sess.Login(ctx, "ann") // whose password was right
	}
	if err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable)
		return
	}
	c.Status(http.StatusNoContent)
}

func count(c *gin.Context) {
	ctx := c.Request.Context()
	var n int64
	sess, err := sessions.FromContext(ctx)
	if err == nil {
		n, err = sess.Increment(ctx, "count", 1)
	}
	if err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable)
		return
	}
	c.JSON(http.StatusOK, gin.H{"count": n})
}

func logout(c *gin.Context) {
	ctx := c.Request.Context()
	sess, err := sessions.FromContext(ctx)
	if err == nil {
		err = sess.Logout(ctx)
	}
	if err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable)
		return
	}
	c.Status(http.StatusNoContent)
}

func countAlone(c *gin.Context) {
	ctx := c.Request.Context()
	sess, err := sessions.Start(c.Writer, c.Request)
	if err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable)
		return
	}
	defer sess.SessionRelease(ctx, c.Writer)
	n, err := sess.Increment(ctx, "count", 1)
	if err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable)
		return
	}
	c.JSON(http.StatusOK, gin.H{"count": n})
}

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	gin.DefaultWriter = io.Discard
	m.Run()
}

func TestRecipe(t *testing.T) {
	sessions = frameworks.Sessions(t)
	frameworks.Visit(t, frameworks.Serve(t, newServer()))
}

func TestWithoutHandler(t *testing.T) {
	sessions = frameworks.Sessions(t)
	engine := gin.New()
	engine.POST("/count", countAlone)
	b := &frameworks.Browser{Address: frameworks.Serve(t, engine)}
	b.Count(t, "1")
	b.Count(t, "2")
}
