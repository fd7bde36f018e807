package sessionbeego_test

//lint:file-ignore SA1019 what is deprecated is what is tested

import (
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memcache"
	_ "github.com/seed1a8f7c28/session/memory"
	"github.com/seed1a8f7c28/session/mysql"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/redis"
)

// TestOldNames uses beego's names as an application does that has changed its imports alone.
func TestOldNames(t *testing.T) {
	defer func(size int, table string) { redis.MaxPoolSize, mysql.TableName = size, table }(redis.MaxPoolSize, mysql.TableName)
	redis.MaxPoolSize = 50
	mysql.TableName = "visitors"

	globalSessions, err := session.NewManager("memory", &session.ManagerConfig{EnableSetCookie: true, Gclifetime: 3600})
	must(t, err)
	defer globalSessions.Close()
	w, r := httptest.NewRecorder(), request("")
	sess, err := globalSessions.SessionStart(w, r)
	must(t, err)
	defer sess.SessionRelease(r.Context(), w)
	for name, is := range map[string]func(s session.Store) bool{
		"session.MemSessionStore":    is[*session.MemSessionStore],
		"session.FileSessionStore":   is[*session.FileSessionStore],
		"session.CookieSessionStore": is[*session.CookieSessionStore],
		"redis.SessionStore":         is[*redis.SessionStore],
		"memcache.SessionStore":      is[*memcache.SessionStore],
		"mysql.SessionStore":         is[*mysql.SessionStore],
		"postgres.SessionStore":      is[*postgres.SessionStore],
	} {
		if !is(sess) {
			t.Errorf("the store is no %s", name)
		}
	}
}

func is[T session.Store](s session.Store) bool {
	_, ok := s.(T)
	return ok
}
