package nats_test

import (
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/nats"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// Some tests run other processes: this test binary with a role and a config.
func TestMain(m *testing.M) {
	if proctest.Run(proctest.Roles{"write": writers.Write, "serve": serve}) {
		return
	}
	servertest.Main(m)
}

var writers = proctest.Writers{Provider: func() session.Provider { return session.NewProvider(nats.Open) }}
