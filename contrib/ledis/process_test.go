//go:build unix

package ledis_test

import (
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A process is a LedisDB server in a process of its own.
type process struct {
	addr, folder string
	cmd          *exec.Cmd
	stdin        io.Closer
}

var _ faulttest.Server = (*process)(nil)

func newProcess(t testing.TB) *process {
	t.Helper()
	p := &process{addr: freeAddr(t), folder: t.TempDir()}
	p.Start(t)
	t.Cleanup(func() { p.Kill(t) })
	return p
}

func (p *process) Start(t testing.TB) {
	p.cmd = proctest.Command("serve", p.addr+" "+p.folder)
	p.cmd.Stderr = nil
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	must(t, p.cmd.Start())
	await(t, p.addr)
}

func (p *process) Kill(t testing.TB) {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

func (p *process) Stop(t testing.TB) {
	p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the server: %v", err)
	}
}

func (p *process) Pause(t testing.TB)  { must(t, p.cmd.Process.Signal(syscall.SIGSTOP)) }
func (p *process) Resume(t testing.TB) { must(t, p.cmd.Process.Signal(syscall.SIGCONT)) }

// TestTwoProcesses has 32 writers in two processes change one session 100 times each: nothing is lost.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	writers.Test(t, at(newProcess(t).addr))
}

// TestHistory has clients do everything at once that a session can do.
func TestHistory(t *testing.T) {
	t.Parallel()
	historytest.Run(t, historytest.Setup{Open: nodes(in(t.TempDir()))})
}

// A faulty is a server with a proxy before it.
type faulty struct {
	server *process
	proxy  *servertest.Proxy
}

// faults are how a server fails.
var faults = []struct {
	name  string
	fails faulttest.Fails
	fault func(t testing.TB, f *faulty) faulttest.Fault
}{
	{"crash", faulttest.Some, func(t testing.TB, f *faulty) faulttest.Fault { return faulttest.Crash(t, f.server) }},
	{"restart", faulttest.Some, func(t testing.TB, f *faulty) faulttest.Fault { return faulttest.Restart(t, f.server) }},
	{"server halted", faulttest.Some, func(t testing.TB, f *faulty) faulttest.Fault { return faulttest.Halt(t, f.server) }},
	{"no answer", faulttest.Some, func(_ testing.TB, f *faulty) faulttest.Fault { return faulttest.Swallow(f.proxy) }},
	{"reset amid a reply", faulttest.Some, func(_ testing.TB, f *faulty) faulttest.Fault {
		return faulttest.Cut(f.proxy, (*servertest.Proxy).ResetAfter)
	}},
	{"reply cut short", faulttest.Some, func(_ testing.TB, f *faulty) faulttest.Fault {
		return faulttest.Cut(f.proxy, (*servertest.Proxy).TruncateAfter)
	}},
	{"beego mode, reset amid a reply", faulttest.Some, func(_ testing.TB, f *faulty) faulttest.Fault {
		return faulttest.Cut(f.proxy, (*servertest.Proxy).ResetAfter)
	}},
	{"connections reset", faulttest.Maybe, func(_ testing.TB, f *faulty) faulttest.Fault {
		return faulttest.Disconnect(f.proxy.Reset)
	}},
	{"scripts forgotten", faulttest.None, func(t testing.TB, f *faulty) faulttest.Fault {
		c := bare(t, f.server.addr)
		return func(r *faulttest.Round) {
			r.Broken()
			for i := range 20 {
				c.ScriptFlush(t.Context())
				r.Answers(15 * (i + 1))
			}
		}
	}},
}

func newFaulty(t *testing.T) *faulty {
	p := newProcess(t)
	return &faulty{p, servertest.NewProxy(t, p.addr)}
}

// TestFault has a server fail while clients use sessions: what was acknowledged is there afterwards, nothing was made
// twice, nobody has lost a session, and everybody is served again.
func TestFault(t *testing.T) {
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t)
			faulttest.Run(t, faulttest.Setup{
				Open:    nodes(at(f.proxy.Addr), session.CfgBeego(strings.HasPrefix(tt.name, "beego"))),
				Refused: notMade, Fails: tt.fails,
			}, tt.fault(t, f))
		})
	}
}

// TestHistoryFault has a server crash meanwhile, or fail otherwise in the long form.
func TestHistoryFault(t *testing.T) {
	for _, tt := range faults {
		if strings.HasPrefix(tt.name, "beego") || tt.name != "crash" && !faulttest.Long() {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t)
			historytest.Run(t, historytest.Setup{
				Open:        nodes(at(f.proxy.Addr)),
				Fault:       tt.fault(t, f),
				HoldsPlaces: 30 * time.Second,
			})
		})
	}
}

// notMade reports whether a server has answered with an error, or was never asked.
func notMade(err error) bool {
	_, answered := errors.AsType[goredis.Error](err)
	dial := &net.OpError{}
	return answered || errors.As(err, &dial) && dial.Op == "dial"
}
