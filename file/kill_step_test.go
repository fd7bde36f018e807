package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// steps are calls that a process is killed in. Each begins with the session at version 2.
var steps = map[string]struct {
	call func(s driver.Backend) error
	now  string // the key that has a session afterwards
	to   uint64 // its version
}{
	"Save": {func(s driver.Backend) error { return s.Save(context.Background(), sessiontest.Key("a"), step(2, 100)) }, "a", 3},
	"Save, larger": {func(s driver.Backend) error {
		return s.Save(context.Background(), sessiontest.Key("a"), step(2, 9000))
	}, "a", 3},
	"Save, large": {func(s driver.Backend) error {
		return s.Save(context.Background(), sessiontest.Key("a"), step(2, 99_000))
	}, "a", 3},
	"Create": {func(s driver.Backend) error {
		return s.Create(context.Background(), sessiontest.Key("b"), step(0, 100))
	}, "b", 1},
	"Rename": {func(s driver.Backend) error {
		return s.(driver.Renamer).Rename(context.Background(), sessiontest.Key("a"), 2, sessiontest.Key("b"), step(0, 100), stepMark())
	}, "b", 1},
	"Touch": {func(s driver.Backend) error {
		return s.Touch(context.Background(), sessiontest.Key("a"), time.Now().Add(2*time.Hour))
	}, "a", 2},
	"Delete": {func(s driver.Backend) error { return s.Delete(context.Background(), sessiontest.Key("a"), 2) }, "a", 0},
	"Mark": {func(s driver.Backend) error {
		return s.(driver.Marker).Mark(context.Background(), sessiontest.Key("a"), 2, stepMark())
	}, "a", 0},
}

func stepMark() driver.Mark { return driver.Mark{Kind: 1, Expires: time.Now().Add(time.Hour)} }

// step returns what a call stores on top of a version: all of it depends on the version, which the call increments.
func step(version uint64, length int) *driver.Record {
	rec := newRecord(time.Hour)
	rec.Version, rec.User = version, fmt.Sprint("user ", version+1)
	rec.Data = []byte(strings.Repeat(fmt.Sprint(version+1), length))
	return rec
}

// stepAndDie makes a call, and kills its process before the sync of the given number.
func stepAndDie(config string) error {
	var at int
	dir, rest, _ := strings.Cut(config, "|")
	call, number, _ := strings.Cut(rest, "|")
	fmt.Sscan(number, &at)
	s, err := file.Open(context.Background(), driver.Config{Config: `{"path": "` + dir + `", "fsync": "full"}`})
	if err != nil {
		return err
	}
	file.BeforeSync(s, func() {
		if at--; at == 0 {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			if err != nil {
				panic(err)
			}
			select {}
		}
	})
	return steps[call].call(s)
}

// TestKilledInEachStep kills a process between any two steps of each call: the session from before is there or the one from
// after, the user's list has it, and it can be saved.
func TestKilledInEachStep(t *testing.T) {
	for name, call := range steps {
		t.Run(name, func(t *testing.T) {
			deaths := 0
			for died := true; died; deaths++ {
				dir := t.TempDir()
				s := open(t, dir)
				if err := s.Create(t.Context(), sessiontest.Key("a"), step(0, 100)); err != nil {
					t.Fatal(err)
				}
				if err := s.Save(t.Context(), sessiontest.Key("a"), step(1, 100)); err != nil {
					t.Fatal(err)
				}
				err := proctest.Command("step", fmt.Sprint(dir, "|", name, "|", deaths+1)).Run()
				if died = err != nil; deaths > 20 {
					t.Fatalf("the call does not end: %v", err)
				}
				found := 0
				for _, key := range []string{"a", "b"} {
					rec := new(driver.Record)
					err := s.Load(t.Context(), sessiontest.Key(key), rec)
					if errors.Is(err, session.ErrNotFound) {
						continue
					}
					if err != nil {
						t.Fatalf("%d: Load: %v", deaths, err)
					}
					found++
					before := key == "a" && rec.Version == 2 && (died || name == "Create")
					after := key == call.now && rec.Version == call.to
					text := string(rec.Data)
					if !before && !after || strings.Trim(text, fmt.Sprint(rec.Version)) != "" || rec.User != fmt.Sprint("user ", rec.Version) {
						t.Errorf("%d: the session is %s at version %d, with %.20q of %s", deaths, key, rec.Version, text, rec.User)
					}
					if !listsUser(t, s, rec.User, sessiontest.Key(key)) {
						t.Errorf("%d: the list does not have the session", deaths)
					}
					if err := s.Save(t.Context(), sessiontest.Key(key), rec); err != nil {
						t.Errorf("%d: Save: %v", deaths, err)
					}
				}
				if ends, begins := call.to == 0, name == "Create"; found == 0 && !ends || found > 1 && !begins {
					t.Errorf("%d: %d sessions", deaths, found)
				}
			}
			t.Logf("killed %d times", deaths-1)
		})
	}
}
