package memcache_test

import (
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
)

// TestNamespacesNeverMeet stores the same key in all namespaces.
func TestNamespacesNeverMeet(t *testing.T) {
	namespaces := []string{
		"", "app", "App", "app ", "app:", "app%3Ax", "~", "\xff", "\x00", "a\r\nb", strings.Repeat("n", 128), strings.Repeat(":", 43),
	}
	addr, ctx := empty(t), t.Context()
	var nodes []driver.Backend
	for _, namespace := range namespaces {
		b := newNode(t, driver.Config{Config: addr, Namespace: namespace})
		rec := newRecord()
		rec.Data = []byte(namespace)
		must(t, b.Create(ctx, key(1), rec))
		nodes = append(nodes, b)
	}
	for i, b := range nodes {
		wantData(t, b, key(1), namespaces[i])
	}
}
