package redis_sentinel_test

import (
	"errors"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/redis_sentinel"
)

var _ session.Store = (*redis_sentinel.SessionStore)(nil)

// TestImport opens the provider that the import registers. It wants an address, which a provider that nobody registered would
// not.
func TestImport(t *testing.T) {
	_, err := session.NewManager(session.ProviderRedisSentinel, session.NewManagerConfig())
	if e, ok := errors.AsType[*session.ConfigError](err); !ok || e.Field != "providerConfig" {
		t.Errorf("got %v", err)
	}
}
