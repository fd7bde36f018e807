package nats_test

import (
	"slices"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/nats"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
)

// nodes returns how to open managers.
func nodes(config string) func(...session.ManagerConfigOpt) (*session.Manager, error) {
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		opts = append(slices.Clone(opts), session.CfgProviderConfig(config))
		return session.New(session.NewProvider(nats.Open), session.NewManagerConfig(opts...))
	}
}

// TestHistory has clients do everything at once that a session can do.
func TestHistory(t *testing.T) {
	s := start(t, server.Options{})
	historytest.Run(t, historytest.Setup{Open: nodes(s.ClientURL())})
}
