package kvtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/sample"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// load returns the session under a key, which must be whole, or nil if there is none.
func load(t *testing.T, s driver.Backend, key string) *driver.Record {
	t.Helper()
	rec := new(driver.Record)
	err := s.Load(context.Background(), key, rec)
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return rec
}

// A saving saves a few sessions.
type saving struct{}

const savedKeys = 4

func (saving) name() string { return "save" }
func savedKey(i int) string { return sessiontest.Key("saved " + strconv.Itoa(i)) }

func (saving) do(s driver.Backend, say func(format string, args ...any)) error {
	ctx, errs := context.Background(), make(chan error)
	for i := range savedKeys {
		go func() {
			rec := new(driver.Record)
			err := s.Load(ctx, savedKey(i), rec)
			if errors.Is(err, session.ErrNotFound) {
				rec = sample.Numbered(1)
				err = s.Create(ctx, savedKey(i), rec)
			}
			for err == nil {
				next := sample.Numbered(rec.Version + 1)
				next.Version--
				err = s.Save(ctx, savedKey(i), next)
				rec.Version = next.Version
				say("%d %d", i, rec.Version)
			}
			errs <- err
		}()
	}
	return <-errs
}

func (saving) check(t *testing.T, s driver.Backend, said []string) {
	acknowledged := sample.Acknowledged(said, savedKeys)
	for i, version := range acknowledged {
		rec := load(t, s, savedKey(i))
		switch {
		case rec == nil && version > 0:
			t.Errorf("a session is gone of which version %d was acknowledged", version)
		case rec == nil:
		case rec.Version < version || version > 0 && rec.Version > version+1:
			t.Errorf("version %d was acknowledged, %d is stored", version, rec.Version)
		case sample.Whole(rec) != nil:
			t.Error(sample.Whole(rec))
		}
	}
}

// A creating creates sessions and deletes some of them again.
type creating struct{}

func (creating) name() string { return "create" }

func createdKey(run string, n int) string { return sessiontest.Key(fmt.Sprint("created ", run, n)) }

func (creating) do(s driver.Backend, say func(format string, args ...any)) error {
	run := strconv.FormatUint(rand.Uint64(), 36)
	for n := 1; ; n++ {
		say("%s %d begins", run, n)
		if err := s.Create(context.Background(), createdKey(run, n), sample.Numbered(uint64(n))); err != nil {
			return err
		}
		say("%s %d done", run, n)
		if n%2 == 0 {
			say("%s %d ends", run, n-1)
			if err := s.Delete(context.Background(), createdKey(run, n-1), 1); err != nil {
				return err
			}
			say("%s %d ended", run, n-1)
		}
	}
}

func (creating) check(t *testing.T, s driver.Backend, said []string) {
	state := make(map[string]string)
	for _, line := range said {
		i := strings.LastIndexByte(line, ' ')
		state[line[:i]] = line[i+1:]
	}
	for which, state := range state {
		run, n, _ := strings.Cut(which, " ")
		number, _ := strconv.Atoi(n)
		rec := load(t, s, createdKey(run, number))
		if rec != nil {
			rec.Version = uint64(number)
			if err := sample.Whole(rec); err != nil {
				t.Error(err)
			}
		}
		if rec == nil && state == "done" || rec != nil && state == "ended" {
			t.Errorf("a session is there: %t, after it was said: %s", rec != nil, state)
		}
	}
}

// A renaming renames sessions, and leaves marks.
type renaming struct{ at []int }

const chains = 3

func newRenaming() *renaming { return &renaming{make([]int, chains)} }

func (*renaming) name() string { return "rename" }
func chainKey(i, n int) string { return sessiontest.Key(fmt.Sprintf("chain %d %d", i, n)) }

func (*renaming) do(s driver.Backend, say func(format string, args ...any)) error {
	ctx, errs := context.Background(), make(chan error)
	for i := range chains {
		go func() {
			n, err := chainEnd(s, i)
			for ; err == nil; n++ {
				say("%d %d begins", i, n+1)
				mark := driver.Mark{Kind: 1, Target: []byte(chainKey(i, n+1)), Expires: inAnHour()}
				err = s.(driver.Renamer).Rename(ctx, chainKey(i, n), 1, chainKey(i, n+1), sample.Numbered(1), mark)
				say("%d %d done", i, n+1)
			}
			errs <- err
		}()
	}
	return <-errs
}

// chainEnd follows the marks, and returns which of a chain's keys is live. It begins the chain if there is none.
func chainEnd(s driver.Backend, i int) (int, error) {
	for n := 0; ; n++ {
		err := s.Load(context.Background(), chainKey(i, n), new(driver.Record))
		if _, marked := errors.AsType[*driver.MarkedError](err); marked {
			continue
		}
		if n == 0 && errors.Is(err, session.ErrNotFound) {
			err = s.Create(context.Background(), chainKey(i, n), sample.Numbered(1))
		}
		return n, err
	}
}

func (r *renaming) check(t *testing.T, s driver.Backend, said []string) {
	begun, done := append([]int(nil), r.at...), append([]int(nil), r.at...)
	for _, line := range said {
		var i, n int
		var what string
		if fields, _ := fmt.Sscanf(line, "%d %d %s", &i, &n, &what); fields != 3 {
			continue
		}
		if begun[i] = max(begun[i], n); what == "done" {
			done[i] = max(done[i], n)
		}
	}
	for i := range chains {
		n, err := chainEnd(s, i)
		if err != nil || n < done[i] || n > begun[i] {
			t.Errorf("rename %d was done and %d begun, but %d is live (%v)", done[i], begun[i], n, err)
			continue
		}
		if rec := load(t, s, chainKey(i, n)); rec == nil || sample.Whole(rec) != nil {
			t.Errorf("the renamed session is not whole")
		}
		if rec := load(t, s, chainKey(i, n+1)); rec != nil {
			t.Error("two sessions of a chain are live")
		}
		r.at[i] = n
	}
}

// A loggingIn logs a user in who may have few sessions.
type loggingIn struct{}

const (
	loginLimit = 3
	loginUser  = "limited"
)

func (loggingIn) name() string { return "login" }

func (loggingIn) do(s driver.Backend, say func(format string, args ...any)) error {
	ctx, errs, run := context.Background(), make(chan error), strconv.FormatUint(rand.Uint64(), 36)
	for i := range 2 {
		go func() {
			for n := 0; ; n++ {
				key := sessiontest.Key(fmt.Sprint("login ", run, i, n))
				rec := sample.Numbered(1)
				rec.User = loginUser
				// A place that a killed process has reserved must not hold up the next one for long.
				_, err := s.(driver.UserLimiter).Reserve(ctx, loginUser, key, time.Now().Add(time.Second), loginLimit, true)
				if err == nil {
					err = s.Create(ctx, key, rec)
				}
				if err != nil {
					errs <- err
					return
				}
				say("done")
			}
		}()
	}
	return <-errs
}

// check finds no more sessions than the limit allows. There may be fewer: places of killed processes stay reserved for a second.
func (loggingIn) check(t *testing.T, s driver.Backend, _ []string) {
	n := 0
	for entry, err := range s.(driver.UserLister).ListUser(context.Background(), loginUser) {
		if err != nil {
			t.Fatal(err)
		}
		if rec := load(t, s, entry.Key); rec == nil || rec.User != loginUser {
			t.Error("a session is listed that is another's")
		}
		n++
	}
	if n > loginLimit {
		t.Errorf("%d sessions, with a limit of %d", n, loginLimit)
	}
}
