package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

func TestSessionsInRedisAreSharedByTwoServers(t *testing.T) {
	text, err := os.ReadFile("redis.json")
	if err != nil {
		t.Fatal(err)
	}
	addr := servertest.StartRedis(t, servertest.RedisOptions{}).Addr
	config := filepath.Join(t.TempDir(), "redis.json")
	if err := os.WriteFile(config, []byte(strings.Replace(string(text), "127.0.0.1:6379", addr, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	first, second := start(t, inFiles(t, config), false), start(t, inFiles(t, config), false)
	v := visit(t, first)
	wantIn(t, v.login("Ada"), "Ada")
	wantCount(t, v.post("/count"), 1)

	cookies := v.client.Jar.Cookies(parse(t, first.URL))
	v.base = second.URL
	v.client.Jar.SetCookies(parse(t, second.URL), cookies)
	wantIn(t, v.get("/"), "Ada")
	wantCount(t, v.post("/count"), 2)
	wantOut(t, v.post("/logout"))
	v.base = first.URL
	wantOut(t, v.get("/"))
}
