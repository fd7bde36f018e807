package main

import (
	"net/http"
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

func TestNodesShareSessionsInADatabase(t *testing.T) {
	for config, server := range map[string]func(t testing.TB) *servertest.SQLServer{
		"postgres.json": servertest.Postgres,
		"mysql.json":    servertest.MariaDB,
	} {
		t.Run(config, func(t *testing.T) {
			s := server(t)
			t.Setenv("LOGIN_DSN", s.DSN(s.NewDatabase(t)))
			one, other := start(t, inFiles(t, config), false), start(t, inFiles(t, config), false)
			v := visit(t, one)
			wantIn(t, v.login("Ada"), "Ada")
			wantCount(t, v.post("/count"), 1)
			cookies := v.client.Jar.Cookies(parse(t, one.URL))

			v.base = other.URL
			v.client.Jar.SetCookies(parse(t, other.URL), cookies)
			wantIn(t, v.get("/"), "Ada")
			wantCount(t, v.post("/count"), 2)
			wantOut(t, v.post("/logout"))

			old := visit(t, one)
			old.client.Jar.SetCookies(parse(t, one.URL), []*http.Cookie{cookies[0]})
			wantOut(t, old.get("/"))
		})
	}
}
