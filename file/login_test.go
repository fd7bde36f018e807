package file_test

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
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

const maxLogins, loginWorkers, loginsEach = 3, 16, 6

// logIn makes room for one more session of user, and creates it. It returns how many that has ended.
func logIn(s driver.Backend, user, key string, patience time.Duration, evict bool) (evicted int, err error) {
	until := time.Now().Add(patience)
	gone, err := s.(driver.UserLimiter).Reserve(context.Background(), user, key, until, maxLogins, evict)
	if err != nil {
		return len(gone), err
	}
	if time.Until(until) < patience/2 { // a machine so slow that the reservation might lapse
		return len(gone), errLate
	}
	rec := newRecord(time.Hour)
	rec.User, rec.AuthTime = user, time.Now()
	return len(gone), s.Create(context.Background(), key, rec)
}

var errLate = errors.New("no time left to create the session")

// loginMany waits for the end of its input, and says what came of many logins at the same time.
func loginMany(s driver.Backend, _ string) error {
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	var mu sync.Mutex
	var refused, evicted int
	var wg sync.WaitGroup
	var failed error
	for i := range loginWorkers {
		wg.Go(func() {
			for n := range loginsEach {
				for user, evict := range map[string]bool{"ann": true, "bob": false} {
					ended, err := logIn(s, user, sessiontest.Key(fmt.Sprint(user, os.Getpid(), i, n)), time.Minute, evict)
					mu.Lock()
					evicted += ended
					if errors.Is(err, session.ErrTooManySessions) {
						refused++
					} else if err != nil {
						failed = err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	fmt.Println(refused, evicted)
	return failed
}

// TestLimitTwoProcesses has two processes log one user in where the oldest sessions end, and another where logins
// are refused: as many sessions as are allowed remain, and all others were ended or refused.
func TestLimitTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	start, gun, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer start.Close()
	outs := make([]io.Reader, 2)
	cmds := make([]*exec.Cmd, 2)
	for i := range cmds {
		cmds[i] = proctest.Command("login many", dir)
		cmds[i].Stdin = start
		if outs[i], err = cmds[i].StdoutPipe(); err != nil {
			t.Fatal(err)
		}
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, out := range outs {
		if _, err := fmt.Fscanln(out, new(string)); err != nil {
			t.Errorf("a process does not start: %v", err)
		}
	}
	gun.Close()
	refused, evicted := 0, 0
	for i, out := range outs {
		var r, e int
		if _, err := fmt.Fscan(out, &r, &e); err != nil {
			t.Errorf("a process says nothing: %v", err)
		}
		if err := cmds[i].Wait(); err != nil {
			t.Errorf("a process failed: %v", err)
		}
		refused, evicted = refused+r, evicted+e
	}
	for _, user := range []string{"ann", "bob"} {
		if n := sessionsOf(t, s, user); n != maxLogins {
			t.Errorf("%s has %d sessions, want %d", user, n, maxLogins)
		}
	}
	if want := len(cmds)*loginWorkers*loginsEach - maxLogins; refused != want || evicted != want {
		t.Errorf("%d logins refused, %d sessions ended, want %d of each", refused, evicted, want)
	}
}

func sessionsOf(t *testing.T, s driver.Backend, user string) int {
	t.Helper()
	n := 0
	for _, err := range s.(driver.UserLister).ListUser(t.Context(), user) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

const killedPatience = 2 * time.Second

// loginForever logs a user in, and says the name after the first time.
func loginForever(s driver.Backend, _ string) error {
	user := fmt.Sprint("user ", os.Getpid())
	if _, err := logIn(s, user, sessiontest.Key(user), killedPatience, true); err != nil {
		return err
	}
	fmt.Println(user)
	errs := make(chan error)
	for i := range 4 {
		go func() {
			for n := 0; ; n++ {
				if _, err := logIn(s, user, sessiontest.Key(fmt.Sprint(user, i, n)), killedPatience, true); err != nil && err != errLate {
					errs <- err
				}
			}
		}()
	}
	return <-errs
}

// TestKilledLogin kills one who logs a user in again and again: no more sessions than are allowed remain, and nothing
// else does once it has lapsed.
func TestKilledLogin(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	total, reserved := 0, 0
	live := make(map[string]int)
	for round := range rounds() {
		user := strings.TrimSpace(killed(t, "login", dir, func() { time.Sleep(time.Millisecond) })[0])
		live[user] = sessionsOf(t, s, user)
		total += live[user]
		if live[user] > maxLogins {
			t.Fatalf("round %d: %d sessions, %d allowed", round, live[user], maxLogins)
		}
		if reserve(t, s, user, sessiontest.Key("more"), live[user]+1) != nil {
			reserved++
		}
	}
	time.Sleep(killedPatience)
	for user, n := range live {
		if err := reserve(t, s, user, sessiontest.Key("more"), n+1); err != nil {
			t.Errorf("a place is taken, and not by a session: %v", err)
		}
	}
	t.Logf("%d kills, %d of them with a place reserved; %d sessions remain", rounds(), reserved, total)
	checkLeftovers(t, s, dir, total, total)
}

// reserve makes a reservation that lapses at once, unless user has limit sessions and reservations.
func reserve(t *testing.T, s driver.Backend, user, key string, limit int) error {
	t.Helper()
	_, err := s.(driver.UserLimiter).Reserve(t.Context(), user, key, time.Now(), limit, false)
	return err
}
