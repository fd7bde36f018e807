package sqltest

import (
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/faulttest"
	"github.com/seed1a8f7c28/session/internal/servertest"
)

// faults has the server fail while clients use sessions. Which saves a server has refused is not told: database/sql may
// have sent a statement twice, and an error is that of the last time.
func (e Engine) faults(t *testing.T) {
	for _, tt := range []struct {
		name string
		own  bool // needs a server of its own
		faulttest.Setup
		fault func(t testing.TB, f *faulty) faulttest.Fault
	}{
		{"crash", true, faulttest.Setup{Fails: faulttest.Some}, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Crash(t, f.server)
		}},
		{"restart", true, faulttest.Setup{Fails: faulttest.Some}, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Restart(t, f.server)
		}},
		{"immediate restart", true, faulttest.Setup{Fails: faulttest.Some}, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Restart(t, f.server)
		}},
		{"server halted", true, faulttest.Setup{Fails: faulttest.Some, Recovery: 10 * time.Second}, func(t testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Halt(t, f.server)
		}},
		{"read only", true, faulttest.Setup{Fails: faulttest.Some}, e.readOnly},
		{"no answer", false, faulttest.Setup{Fails: faulttest.Some, Recovery: 10 * time.Second}, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Swallow(f.proxy)
		}},
		{"reset amid an answer", false, faulttest.Setup{Fails: faulttest.Some}, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Cut(f.proxy, (*servertest.Proxy).ResetAfter)
		}},
		{"answer cut short", false, faulttest.Setup{Fails: faulttest.Some}, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Cut(f.proxy, (*servertest.Proxy).TruncateAfter)
		}},
		{"connections reset", false, faulttest.Setup{}, func(_ testing.TB, f *faulty) faulttest.Fault {
			return faulttest.Disconnect(f.proxy.Reset)
		}},
		{"connections ended by the server", false, faulttest.Setup{}, func(t testing.TB, f *faulty) faulttest.Fault {
			db := e.DB(t, f.server.DSN(f.database))
			return faulttest.Disconnect(func() { e.Server.Disconnect(t, db) })
		}},
	} {
		immediate := tt.name == "immediate restart"
		if immediate && !e.Server.Immediate {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &faulty{}
			if tt.own {
				f.server = e.Server.Start(t, servertest.SQLOptions{Immediate: immediate})
			} else {
				f.server = e.Server.Shared(t)
			}
			f.proxy, f.database = servertest.NewProxy(t, f.server.Addr), f.server.NewDatabase(t)
			f.dsn = f.server.DSNVia(f.proxy.Addr, f.database)
			tt.Recovery = max(tt.Recovery, e.Recovery)
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
	return func(r *faulttest.Round) {
		r.Broken()
		readOnly(true)
		r.Failures(20)
		readOnly(false)
	}
}
