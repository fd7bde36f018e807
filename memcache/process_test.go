package memcache_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memcache"
)

const writers, increments = 16, 100

// incrementMany has half of the writers increment one value of the session on the standard input, and set values of
// their own.
func incrementMany(config string) error {
	m, err := session.New(session.NewProvider(memcache.Open), session.NewManagerConfig(
		session.CfgProviderConfig(config), session.CfgOpTimeout(60e9)))
	if err != nil {
		return err
	}
	defer m.Close()
	sid, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for i := range writers {
		wg.Go(func() {
			for n := range increments {
				store, err := m.GetSessionStore(strings.TrimSpace(sid))
				if err == nil {
					sess := store.(*session.Session)
					sess.Increment(context.Background(), "n", 1)
					sess.Set(context.Background(), ownValue(os.Getpid(), i), n)
					err = sess.Save(context.Background())
				}
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func ownValue(pid, writer int) string { return fmt.Sprintf("%d/%d", pid, writer) }

// TestTwoProcesses has 32 writers in two processes change one session 100 times each: nothing is lost.
func TestTwoProcesses(t *testing.T) {
	addr := empty(t)
	p := session.NewProvider(memcache.Open)
	must(t, p.SessionInit(t.Context(), 3600, addr))
	defer p.(io.Closer).Close()
	sid := strings.Repeat("0123456789abcdef", 2)
	if _, err := p.SessionRead(t.Context(), sid); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	cmds := make([]*exec.Cmd, 2)
	for i := range cmds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleEnv+"=increment", configEnv+"="+addr)
		cmd.Stdin = strings.NewReader(sid + "\n")
		cmds[i] = cmd
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("a process failed: %v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	store, err := p.SessionRead(t.Context(), sid)
	must(t, err)
	if n := store.Get(t.Context(), "n"); fmt.Sprint(n) != strconv.Itoa(2*writers*increments) {
		t.Errorf("%d increments were acknowledged, the value is %v", 2*writers*increments, n)
	}
	for _, cmd := range cmds {
		for i := range writers {
			if got := store.Get(t.Context(), ownValue(cmd.Process.Pid, i)); got != increments-1 {
				t.Errorf("the value of a writer is %v, its last was %d", got, increments-1)
			}
		}
	}
}
