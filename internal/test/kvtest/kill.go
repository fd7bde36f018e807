package kvtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
)

// A task is something that a process does again and again until it is killed. It says what it begins and what it has done,
// in lines that begin with its name.
type task interface {
	name() string
	do(s driver.Backend, say func(format string, args ...any)) error
	// check checks the store after a kill against what was said.
	check(t *testing.T, s driver.Backend, said []string)
}

func tasks() []task { return []task{new(saving), new(creating), newRenaming(), new(loggingIn)} }

// work is what a process does that will be killed: all tasks, several times each.
func (e Engine) work(config string) error {
	s, err := e.open(context.Background(), config)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	errs := make(chan error)
	for _, task := range tasks() {
		go func() {
			errs <- task.do(s, func(format string, args ...any) {
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintf(os.Stdout, task.name()+" "+format+"\n", args...)
			})
		}()
	}
	return <-errs
}

// killed kills a process that writes, again and again: what it had acknowledged is there, nothing is torn, and every session
// has its entries.
func (e Engine) killed(t *testing.T, fsync string) {
	rounds := 6
	if faulttest.Long() {
		rounds = 200
	}
	path, all, lines := e.path(t), tasks(), 0
	config := fmt.Sprintf(`{"path": %q, "fsync": %q}`, path, fsync)
	for round := range rounds {
		said := e.kill(t, config)
		lines += len(said)
		s := e.opened(t, config)
		for _, task := range all {
			task.check(t, s, of(task, said))
		}
		if err := closed(s); err != nil {
			t.Fatal(err)
		}
		e.checkEntries(t, path)
		if t.Failed() {
			t.Fatalf("in round %d of %d", round+1, rounds)
		}
	}
	t.Logf("%d kills, %d lines said: nothing torn, and nothing lost that was acknowledged", rounds, lines)
}

// of returns what a task has said.
func of(task task, said []string) (lines []string) {
	for _, line := range said {
		if rest, ok := strings.CutPrefix(line, task.name()+" "); ok {
			lines = append(lines, rest)
		}
	}
	return lines
}

// kill starts a process that works, kills it after some time, and returns its whole lines.
func (e Engine) kill(t *testing.T, config string) (said []string) {
	t.Helper()
	cmd := proctest.Command("work", config)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(out)
	for n := 0; ; n++ {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, strings.TrimSuffix(line, "\n"))
		if n == 0 { // it works
			go func() {
				time.Sleep(rand.N(100 * time.Millisecond))
				cmd.Process.Kill()
			}()
		}
	}
	cmd.Wait()
	if len(said) == 0 {
		t.Fatal("the process has ended before it was killed")
	}
	return said
}
