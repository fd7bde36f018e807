package file_test

import (
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
)

// TestHistory has clients do everything at once that a session can do, on three nodes that share a folder.
func TestHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	historytest.Run(t, historytest.Setup{Open: func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		opts = append(opts, session.CfgProviderConfig(dir))
		return session.New(session.NewProvider(file.Open), session.NewManagerConfig(opts...))
	}})
}
