package file_test

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
	"github.com/seed1a8f7c28/session/file"
)

// The tests below run other processes: this test binary with a role and a folder.
const roleEnv, folderEnv = "SESSION_FILE_ROLE", "SESSION_FILE_FOLDER"

var roles = map[string]func(s session.Backend, dir string) error{
	"save":       saveForever,
	"rename":     renameForever,
	"login":      loginForever,
	"login many": loginMany,
	"increment":  func(_ session.Backend, dir string) error { return incrementMany(dir) },
}

func TestMain(m *testing.M) {
	role, dir := roles[os.Getenv(roleEnv)], os.Getenv(folderEnv)
	if role == nil {
		os.Exit(m.Run())
	}
	s, err := file.Open(context.Background(), session.BackendConfig{Config: dir})
	if err == nil {
		err = role(s, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process returns a process with a role, not started yet.
func process(role, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role, folderEnv+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// incrementMany has 32 writers increment one value of one session, and set values of their own.
func incrementMany(dir string) error {
	m, err := session.New(file.New(), session.NewManagerConfig(session.CfgProviderConfig(dir)))
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
					sess.Set(context.Background(), ownValue(os.Getpid(), i, n), n)
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

const writers, increments = 32, 10

func ownValue(pid, writer, n int) string { return fmt.Sprintf("%d/%d/%d", pid, writer, n) }

// TestTwoProcesses has two processes with 32 writers each change one session: nothing is lost.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	p := file.New()
	if err := p.SessionInit(t.Context(), 3600, dir); err != nil {
		t.Fatal(err)
	}
	defer p.(io.Closer).Close()
	sid := strings.Repeat("0123456789abcdef", 2)
	if _, err := p.SessionRead(t.Context(), sid); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	cmds := []*exec.Cmd{process("increment", dir), process("increment", dir)}
	for _, cmd := range cmds {
		wg.Go(func() {
			cmd.Stdin = strings.NewReader(sid + "\n")
			if out, err := cmd.Output(); err != nil {
				t.Errorf("a process failed: %v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	store, err := p.SessionRead(t.Context(), sid)
	if err != nil {
		t.Fatal(err)
	}
	if n := store.Get(t.Context(), "n"); fmt.Sprint(n) != strconv.Itoa(2*writers*increments) {
		t.Errorf("%d increments were acknowledged, the value is %v", 2*writers*increments, n)
	}
	for _, cmd := range cmds {
		for i := range writers {
			for n := range increments {
				if got := store.Get(t.Context(), ownValue(cmd.Process.Pid, i, n)); got != n {
					t.Fatalf("value %d of writer %d is %v", n, i, got)
				}
			}
		}
	}
}
