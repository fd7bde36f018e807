package sqltest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// Role does what another process of a test is for, if this is one: in TestMain, before anything else.
func Role(node sessiontest.Open) bool {
	config := os.Getenv(roleEnv)
	if config == "" {
		return false
	}
	if err := change(session.NewProvider(node), config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

const roleEnv = "SESSION_SQLTEST_CONFIG"

const writers, changes = 16, 40 // of each of two processes

// change has writers change one session, whose sid comes in.
func change(p session.Provider, config string) error {
	m, err := session.New(p, session.NewManagerConfig(session.CfgProviderConfig(config)))
	if err != nil {
		return err
	}
	defer m.Close()
	sid, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	sid = strings.TrimSpace(sid)
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for i := range writers {
		wg.Go(func() {
			for n := range changes {
				if errs[i] = changeOnce(m, sid, ownValue(os.Getpid(), i), n); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func changeOnce(m *session.Manager, sid, own string, n int) error {
	ctx := context.Background()
	store, err := m.GetSessionStore(sid)
	if err != nil {
		return err
	}
	s := store.(*session.Session)
	if _, err := s.Increment(ctx, "n", 1); err != nil {
		return err
	}
	if err := s.Set(ctx, own, n); err != nil {
		return err
	}
	return s.Save(ctx)
}

func ownValue(pid, writer int) string { return fmt.Sprintf("%d/%d", pid, writer) }

// twoProcesses has writers in two processes change one session: nothing is lost. config is a provider config.
func (e Engine) twoProcesses(t *testing.T, config string) {
	p := e.Provider()
	if err := p.SessionInit(t.Context(), 3600, config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.(io.Closer).Close() })
	sid := strings.Repeat("0123456789abcdef", 2)
	if _, err := p.SessionRead(t.Context(), sid); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var cmds [2]*exec.Cmd
	for i := range cmds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleEnv+"="+config)
		cmd.Stdin, cmd.Stderr = strings.NewReader(sid+"\n"), os.Stderr
		cmds[i] = cmd
		wg.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("a process failed: %v", err)
			}
		})
	}
	wg.Wait()
	store, err := p.SessionRead(t.Context(), sid)
	if err != nil {
		t.Fatal(err)
	}
	if n := store.Get(t.Context(), "n"); n != int64(2*writers*changes) {
		t.Errorf("%d increments were acknowledged, the value is %v", 2*writers*changes, n)
	}
	for _, cmd := range cmds {
		for i := range writers {
			if got := store.Get(t.Context(), ownValue(cmd.Process.Pid, i)); got != changes-1 {
				t.Errorf("the last value of writer %d is %v, want %d", i, got, changes-1)
			}
		}
	}
}
