package sqltest

import (
	"slices"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/faulttest"
	"github.com/seed1a8f7c28/session/internal/servertest"
)

// faults has the server fail while clients use sessions. Which saves a server has refused is not told: database/sql may
// have sent a statement twice, and an error is that of the last time.
func (e Engine) faults(t *testing.T) {
	own, immediate := &servertest.SQLOptions{}, &servertest.SQLOptions{Immediate: true}
	for _, tt := range []struct {
		name string
		own  *servertest.SQLOptions // of a server of its own; nil for the one that all share
		faulttest.Setup
		fault func(t testing.TB, f *faulty) faulttest.Fault
	}{
		{"crash", own, faulttest.Setup{Fails: faulttest.Some}, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Crash(t, f.server)
		}},
		{"restart", own, faulttest.Setup{Fails: faulttest.Some}, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Restart(t, f.server)
		}},
		{"immediate restart", immediate, faulttest.Setup{Fails: faulttest.Some}, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Restart(t, f.server)
		}},
		{"server halted", own, faulttest.Setup{Fails: faulttest.Some}, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Halt(t, f.server)
		}},
		{"read only", own, faulttest.Setup{Fails: faulttest.Some}, e.readOnly},
		{"no answer", nil, faulttest.Setup{Fails: faulttest.Some}, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Swallow(f.proxy)
		}},
		{"reset amid an answer", nil, faulttest.Setup{Fails: faulttest.Some}, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Cut(f.proxy, (*servertest.Proxy).ResetAfter)
		}},
		{"answer cut short", nil, faulttest.Setup{Fails: faulttest.Some}, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Cut(f.proxy, (*servertest.Proxy).TruncateAfter)
		}},
		{"connections reset", nil, faulttest.Setup{}, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Disconnect(f.proxy.Reset)
		}},
		{"connections ended by the server", nil, faulttest.Setup{}, func(t testing.TB, f *faulty) faulttest.Fault {
			db := e.DB(t, f.server.DSN(f.database))
			return faulttest.Disconnect(func() { e.Server.Disconnect(t, db) })
		}},
	} {
		if tt.own == immediate && !e.Server.Immediate {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &faulty{}
			if tt.own != nil {
				f.server = e.Server.Start(t, *tt.own)
			} else {
				f.server = e.Server.Shared(t)
			}
			f.proxy, f.database = servertest.NewProxy(t, f.server.Addr), f.server.NewDatabase(t)
			f.dsn = f.server.DSNVia(f.proxy.Addr, f.database)
			fault := tt.fault(t, f)
			tt.Open = func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
				return session.New(e.Provider(), session.NewManagerConfig(slices.Concat(opts, f.opts())...))
			}
			faulttest.Run(t, tt.Setup, fault)
		})
	}
}

// A faulty is a server with a proxy before it.
type faulty struct {
	server   *servertest.SQLServer
	proxy    *servertest.Proxy
	database string
	dsn      string // of the nodes
}

func (f *faulty) opts() []session.ManagerConfigOpt {
	return []session.ManagerConfigOpt{session.CfgProviderConfig(f.dsn)}
}

// readOnly makes the server a replica for a while: sessions can be read, and saves are errors.
func (e Engine) readOnly(t testing.TB, f *faulty) faulttest.Fault {
	dsn, readOnly := e.Server.ReadOnly(t, f.server, f.database)
	f.dsn = dsn
	return faulttest.Outage(func() { readOnly(true) }, func() { readOnly(false) }, 20)
}
