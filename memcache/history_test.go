package memcache_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// TestHistory has clients do everything at once that a session can do.
func TestHistory(t *testing.T) {
	t.Parallel()
	s := servertest.StartMemcached(t, servertest.MemcachedOptions{})
	historytest.Run(t, historytest.Setup{Open: nodes(s.Addr)})
}

// TestHistoryFault has connections or the server fail meanwhile: in the short form amid answers.
func TestHistoryFault(t *testing.T) {
	for _, tt := range faults {
		if tt.name != "reset amid an answer" && !faulttest.Long() {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.StartMemcached(t, servertest.MemcachedOptions{})
			p := servertest.NewProxy(t, s.Addr)
			historytest.Run(t, historytest.Setup{Open: nodes(p.Addr), Fault: tt.fault(t, p, s)})
		})
	}
}
