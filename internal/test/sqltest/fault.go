package sqltest

import (
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A fault is a way in which a server fails.
type fault struct {
	name  string
	own   *servertest.SQLOptions // options of a separate server; nil means the shared one
	fails faulttest.Fails
	fault func(t testing.TB, f *faulty) faulttest.Fault
}

// faults returns the ways in which the engine's server fails.
func (e Engine) faults() []fault {
	own := &servertest.SQLOptions{}
	all := []fault{
		{"crash", own, faulttest.Some, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Crash(t, f.server)
		}},
		{"restart", own, faulttest.Some, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Restart(t, f.server)
		}},
		{"server halted", own, faulttest.Some, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Halt(t, f.server)
		}},
		{"read only", own, faulttest.Some, e.readOnly},
		{"no answer", nil, faulttest.Some, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Swallow(f.proxy)
		}},
		{"reset amid an answer", nil, faulttest.Some, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Cut(f.proxy, (*servertest.Proxy).ResetAfter)
		}},
		{"answer cut short", nil, faulttest.Some, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Cut(f.proxy, (*servertest.Proxy).TruncateAfter)
		}},
		{"connections reset", nil, faulttest.Maybe, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Disconnect(f.proxy.Reset)
		}},
		{"connections ended by the server", nil, faulttest.Maybe, func(t testing.TB, f *faulty) faulttest.Fault {
			db := e.DB(t, f.server.DSN(f.database))
			return faulttest.Disconnect(func() { e.Server.Disconnect(t, db) })
		}},
	}
	if e.Server.Immediate {
		all = append(all, fault{"immediate restart", &servertest.SQLOptions{Immediate: true}, faulttest.Some, all[1].fault})
	}
	return all
}

// fail makes the server fail while clients use sessions. It does not trust an error to prove that a save was refused, because
// database/sql may have sent the statement twice, and returns only the last error.
func (e Engine) fail(t *testing.T) {
	for _, tt := range e.faults() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := e.newFaulty(t, tt.own)
			fault := tt.fault(t, f)
			faulttest.Run(t, faulttest.Setup{Fails: tt.fails, Open: e.nodes(f.dsn)}, fault)
		})
	}
}

// A faulty is a server behind a proxy.
type faulty struct {
	server   *servertest.SQLServer
	proxy    *servertest.Proxy
	database string
	dsn      string // of the nodes
}

// newFaulty starts a server, or uses the shared one.
func (e Engine) newFaulty(t testing.TB, own *servertest.SQLOptions) *faulty {
	t.Helper()
	f := &faulty{}
	if own != nil {
		f.server = e.Server.Start(t, *own)
	} else {
		f.server = e.Server.Shared(t)
	}
	f.proxy, f.database = servertest.NewProxy(t, f.server.Addr), f.server.NewDatabase(t)
	f.dsn = f.server.DSNVia(f.proxy.Addr, f.database)
	return f
}

// nodes returns a function that opens managers.
func (e Engine) nodes(dsn string) func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		opts = append(opts, session.CfgProviderConfig(dsn))
		return session.New(e.Provider(), session.NewManagerConfig(opts...))
	}
}

// readOnly makes the server read-only for a while: sessions can be read, and saves return errors.
func (e Engine) readOnly(t testing.TB, f *faulty) faulttest.Fault {
	dsn, readOnly := e.Server.ReadOnly(t, f.server, f.database)
	f.dsn = dsn
	return faulttest.Outage(func() { readOnly(true) }, func() { readOnly(false) }, 20)
}
