package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// TestSessionsInMemcached runs memcache.json with the address of a server of the test's own.
func TestSessionsInMemcached(t *testing.T) {
	text, err := os.ReadFile("memcache.json")
	if err != nil {
		t.Fatal(err)
	}
	server := servertest.StartMemcached(t, servertest.MemcachedOptions{})
	config := filepath.Join(t.TempDir(), "memcache.json")
	text = []byte(strings.Replace(string(text), "127.0.0.1:11211", server.Addr, 1))
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(t *testing.T, k kind){
		"count at once": testTwoTabsCountAtOnce, "login": testLoginChangesTheSID, "logout": testOldCookieAfterLogout,
	} {
		t.Run(name, func(t *testing.T) { test(t, kind{config: config}) })
	}
}
