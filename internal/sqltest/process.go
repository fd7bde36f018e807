package sqltest

import (
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/proctest"
)

// Role does what another process of a test is for, if this is one: in TestMain, before anything else.
func Role(provider func() session.Provider) bool {
	return proctest.Run(proctest.Roles{"write": proctest.Writers{Provider: provider}.Write})
}

// TwoProcesses has writers in two processes change one session: nothing is lost. config is a provider config.
func (e Engine) TwoProcesses(t *testing.T, config string) {
	proctest.Writers{Provider: e.Provider}.Test(t, config)
}
