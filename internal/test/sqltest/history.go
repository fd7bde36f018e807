package sqltest

import (
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
)

// history lets clients do everything that a session can do, first on a server that works, then on one that fails. In the
// short form the server fails only in the middle of answers.
func (e Engine) history(t *testing.T) {
	t.Run("well", func(t *testing.T) {
		t.Parallel()
		historytest.Run(t, historytest.Setup{Open: e.nodes(e.Empty(t))})
	})
	if e.Server == nil {
		return
	}
	for _, tt := range e.faults() {
		if tt.name != "reset amid an answer" && !faulttest.Long() {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := e.newFaulty(t, tt.own)
			fault := tt.fault(t, f)
			historytest.Run(t, historytest.Setup{Open: e.nodes(f.dsn), Fault: fault, ShowsUnflushed: e.Server.ShowsUnflushed})
		})
	}
}
