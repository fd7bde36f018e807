package sqltest

import (
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// Role plays the role of another process of a test and returns true, if this process has one. Call it first in TestMain.
func Role(node sessiontest.Open) bool {
	return proctest.Run(proctest.Roles{"write": writers(node).Write})
}

// writers are the same in all processes.
func writers(node sessiontest.Open) proctest.Writers {
	return proctest.Writers{Provider: func() session.Provider { return session.NewProvider(node) }, Changes: 40}
}

// twoProcesses lets writers in two processes change one session, and checks that nothing is lost. config is a provider
// config.
func (e Engine) twoProcesses(t *testing.T, config string) { writers(e.Node).Test(t, config) }
