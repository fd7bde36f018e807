package proctest

import (
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
)

// Writers let two processes change one session at the same time.
type Writers struct {
	Provider func() session.Provider // opens the store that all processes share
	Each     int                     // writers per process; 0 means 16
	Changes  int                     // changes per writer; 0 means 100
}

func (w Writers) size() (writers, changes int) {
	if w.Each == 0 {
		w.Each = 16
	}
	if w.Changes == 0 {
		w.Changes = 100
	}
	return w.Each, w.Changes
}

// Write is the role "write". Standard input contains what it works on.
func (w Writers) Write(config string) error {
	m, err := session.New(w.Provider(), session.NewManagerConfig(
		session.CfgProviderConfig(config), session.CfgOpTimeout(60e9)))
	if err != nil {
		return err
	}
	defer m.Close()
	var sid string
	if _, err := fmt.Scan(&sid); err != nil {
		return err
	}
	writers, changes := w.size()
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := range changes {
				if errs[i] = change(m, sid, ownKey(os.Getpid(), i, n), n); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// change counts in a value that all writers have in common, and sets one of the writer's own.
func change(m *session.Manager, sid, own string, n int) error {
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

// ownKeys is how many values each writer has: it changes them in turn, so that most of what it has set stays.
const ownKeys = 10

func ownKey(pid, writer, n int) string { return fmt.Sprintf("%d/%d/%d", pid, writer, n%ownKeys) }

// Test runs both processes on the store of a provider config, and checks that no change is lost. TestMain must know the
// role "write".
func (w Writers) Test(t *testing.T, config string) {
	p := w.Provider()
	if err := p.SessionInit(t.Context(), 3600, config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
	sid := strings.Repeat("0123456789abcdef", 2)
	if _, err := p.SessionRead(t.Context(), sid); err != nil {
		t.Fatal(err)
	}
	var cmds [2]*exec.Cmd
	var wg sync.WaitGroup
	for i := range cmds {
		cmds[i] = Command("write", config)
		cmds[i].Stdin = strings.NewReader(sid + "\n")
		wg.Go(func() {
			if err := cmds[i].Run(); err != nil {
				t.Errorf("a process failed: %v", err)
			}
		})
	}
	wg.Wait()
	store, err := p.SessionRead(t.Context(), sid)
	if err != nil {
		t.Fatal(err)
	}
	writers, changes := w.size()
	compare(t, store, []int{cmds[0].Process.Pid, cmds[1].Process.Pid}, writers, changes)
}

// TestNodes lets eight writers change the session of a sid 25 times each, on several nodes of this process, and checks that
// no change is lost.
func TestNodes(t *testing.T, sid string, nodes ...*session.Manager) {
	t.Helper()
	const writers, changes = 8, 25
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := range changes {
				if err := change(nodes[i%len(nodes)], sid, ownKey(os.Getpid(), i, n), n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	store, err := nodes[0].GetSessionStore(sid)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, store, []int{os.Getpid()}, writers, changes)
}

// compare checks that all changes of all writers are stored.
func compare(t *testing.T, store session.Store, pids []int, writers, changes int) {
	t.Helper()
	if n := store.Get(t.Context(), "n"); n != int64(len(pids)*writers*changes) {
		t.Errorf("%d increments were acknowledged, the value is %v", len(pids)*writers*changes, n)
	}
	for _, pid := range pids {
		for i := range writers {
			for n := max(changes-ownKeys, 0); n < changes; n++ {
				if got := store.Get(t.Context(), ownKey(pid, i, n)); got != n {
					t.Fatalf("change %d of writer %d is lost: the value is %v", n, i, got)
				}
			}
		}
	}
}
