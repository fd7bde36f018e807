package cookie_test

import (
	"slices"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/cookie"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
)

// TestHistory has clients do everything at once that a session in a cookie can.
func TestHistory(t *testing.T) {
	t.Parallel()
	historytest.Run(t, historytest.Setup{Open: func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		return session.New(cookie.New(), session.NewManagerConfig(slices.Concat(opts, []session.ManagerConfigOpt{session.CfgProviderConfig(oneKey)})...))
	}})
}
