package file_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/sample"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// killed runs a process that says what it does, kills it at a random time, and returns its lines.
func killed(t *testing.T, role, dir string, meanwhile func()) []string {
	t.Helper()
	cmd := proctest.Command(role, dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1<<16)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			lines <- in.Text()
		}
	}()
	said := []string{<-lines}
	end := time.Now().Add(rand.N(20 * time.Millisecond))
	for time.Now().Before(end) {
		meanwhile()
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for line := range lines {
		said = append(said, line)
	}
	cmd.Wait()
	return said
}

// rounds is how often a test kills a process.
func rounds() int {
	if soak {
		return 200
	}
	return 20
}

const savedKeys = 4 // sessions at a time

func savedKey(i int) string { return sessiontest.Key("saved " + strconv.Itoa(i)) }

// saveForever saves a few sessions at the same time, and says which version of which is acknowledged.
func saveForever(s driver.Backend, _ string) error {
	errs := make(chan error)
	for i := range savedKeys {
		go func() {
			var rec driver.Record
			err := s.Load(context.Background(), savedKey(i), &rec)
			for err == nil {
				next := sample.Numbered(rec.Version + 1)
				next.Version--
				err = s.Save(context.Background(), savedKey(i), next)
				rec.Version = next.Version
				fmt.Printf("%d %d\n", i, next.Version)
			}
			errs <- err
		}()
	}
	return <-errs
}

// TestKilledWriter kills a writer again and again: nothing is torn, no acknowledged save is lost, and the index
// finds every session.
func TestKilledWriter(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := range savedKeys {
		if err := s.Create(t.Context(), savedKey(i), sample.Numbered(1)); err != nil {
			t.Fatal(err)
		}
	}
	load := func(i int) *driver.Record {
		rec := new(driver.Record)
		if err := s.Load(t.Context(), savedKey(i), rec); err != nil {
			t.Fatalf("Load: %v", err)
		}
		if err := sample.Whole(rec); err != nil {
			t.Fatal(err)
		}
		return rec
	}
	saves, reads := 0, 0
	for round := range rounds() {
		said := killed(t, "save", dir, func() {
			for i := range savedKeys {
				load(i)
				reads++
			}
		})
		saves += len(said)
		acknowledged := sample.Acknowledged(said, savedKeys)
		for i, version := range acknowledged {
			rec := load(i)
			if rec.Version < version || version > 0 && rec.Version > version+1 {
				t.Fatalf("round %d: version %d was acknowledged, %d is stored", round, version, rec.Version)
			}
			if !indexed(t, s, rec, savedKey(i)) {
				t.Fatalf("round %d: an index does not find a session", round)
			}
		}
	}
	t.Logf("%d kills, %d acknowledged saves, %d reads beside them: nothing torn or lost", rounds(), saves, reads)
	checkLeftovers(t, s, dir, savedKeys, 2*savedKeys)
}

// indexed reports whether the lists of the user and of the alias have a session.
func indexed(t *testing.T, s driver.Backend, rec *driver.Record, key string) bool {
	t.Helper()
	return listsUser(t, s, rec.User, key) && lists(t, s.(driver.AliasLister).ListAlias(t.Context(), rec.Alias), key)
}

func listsUser(t *testing.T, s driver.Backend, user, key string) bool {
	t.Helper()
	return lists(t, s.(driver.UserLister).ListUser(t.Context(), user), key)
}

func lists(t *testing.T, list iter.Seq2[driver.Entry, error], key string) bool {
	t.Helper()
	found := false
	for entry, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		found = found || entry.Key == key
	}
	return found
}

func createdKey(run string, i, n int) string {
	return sessiontest.Key(fmt.Sprint("created ", run, i, n))
}

// createForever creates sessions, and says which one it begins and which one it has created.
func createForever(s driver.Backend, _ string) error {
	errs := make(chan error)
	run := strconv.FormatUint(rand.Uint64(), 36)
	for i := range savedKeys {
		go func() {
			for n := 1; ; n++ {
				fmt.Printf("%s %d %d begins\n", run, i, n)
				if err := s.Create(context.Background(), createdKey(run, i, n), sample.Numbered(uint64(n))); err != nil {
					errs <- err
				}
				fmt.Printf("%s %d %d done\n", run, i, n)
			}
		}()
	}
	return <-errs
}

// TestKilledCreator kills one who creates sessions again and again: what was acknowledged is there, what was begun is whole
// or not there, and can then be created.
func TestKilledCreator(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	created := 0
	for round := range rounds() {
		for _, line := range killed(t, "create", dir, func() {}) {
			var run, what string
			var i, n int
			if fields, _ := fmt.Sscanf(line, "%s %d %d %s", &run, &i, &n, &what); fields != 4 {
				continue
			}
			rec := new(driver.Record)
			err := s.Load(t.Context(), createdKey(run, i, n), rec)
			if what == "begins" && errors.Is(err, session.ErrNotFound) {
				if err = s.Create(t.Context(), createdKey(run, i, n), sample.Numbered(uint64(n))); err == nil {
					err = s.Load(t.Context(), createdKey(run, i, n), rec)
				}
			}
			rec.Version = uint64(n)
			if err != nil || sample.Whole(rec) != nil {
				t.Fatalf("round %d: %q: %v, %v", round, line, err, sample.Whole(rec))
			}
			if what == "done" {
				created++
			}
		}
	}
	t.Logf("%d kills, %d sessions created: nothing torn or lost", rounds(), created)
}

const chains = 4

func chainKey(i, n int) string { return sessiontest.Key(fmt.Sprintf("chain %d %d", i, n)) }

// chainMark is the mark that the rename of the given number leaves.
func chainMark(i, n int) driver.Mark {
	return driver.Mark{Kind: 1, Target: []byte(chainKey(i, n+1)), Expires: time.Now().Add(time.Hour)}
}

// markedTo returns what a mark points to, "" if there is none.
func markedTo(s driver.Backend, key string) string {
	marked, _ := errors.AsType[*driver.MarkedError](s.Load(context.Background(), key, new(driver.Record)))
	if marked == nil {
		return ""
	}
	return string(marked.Mark.Target)
}

// renameForever renames sessions, and says before and after each step which it is.
func renameForever(s driver.Backend, _ string) error {
	errs := make(chan error)
	for i := range chains {
		go func() {
			n, err := chainEnd(s, i, 0)
			for ; err == nil; n++ {
				fmt.Printf("%d %d begins\n", i, n+1)
				err = s.(driver.Renamer).Rename(context.Background(), chainKey(i, n), 1, chainKey(i, n+1), sample.Numbered(1), chainMark(i, n))
				fmt.Printf("%d %d done\n", i, n+1)
			}
			errs <- err
		}()
	}
	return <-errs
}

// chainEnd returns which of a chain's keys is live: n or later.
func chainEnd(s driver.Backend, i, n int) (int, error) {
	for end := n + 100_000; n < end; n++ {
		err := s.Load(context.Background(), chainKey(i, n), new(driver.Record))
		if err == nil || !errors.Is(err, session.ErrNotFound) {
			return n, err
		}
	}
	return 0, errors.New("no session of the chain is live")
}

// TestKilledRenamer kills one who regenerates again and again: the old session is there or the new one, not
// both, and none only if it was never begun. What was done has left a mark that points to it.
func TestKilledRenamer(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	at := make([]int, chains)
	for i := range chains {
		if err := s.Create(t.Context(), chainKey(i, 0), sample.Numbered(1)); err != nil {
			t.Fatal(err)
		}
	}
	renames := 0
	for round := range rounds() {
		begun, done := make([]int, chains), make([]int, chains)
		copy(begun, at)
		copy(done, at)
		for _, line := range killed(t, "rename", dir, func() {}) {
			var i, n int
			var what string
			if fields, _ := fmt.Sscanf(line, "%d %d %s", &i, &n, &what); fields != 3 {
				continue
			}
			if begun[i] = max(begun[i], n); what == "done" {
				done[i] = max(done[i], n)
				renames++
			}
		}
		for i := range chains {
			n, err := chainEnd(s, i, at[i])
			if err != nil || n < done[i] || n > begun[i] {
				t.Fatalf("round %d: rename %d was done and %d begun, but %d is live (%v)", round, done[i], begun[i], n, err)
			}
			for step := at[i]; step < done[i]; step++ {
				if markedTo(s, chainKey(i, step)) != chainKey(i, step+1) {
					t.Fatalf("round %d: rename %d of %d done has left no mark", round, step, done[i])
				}
			}
			if err := s.Load(t.Context(), chainKey(i, n+1), new(driver.Record)); err == nil {
				t.Fatalf("round %d: two sessions of a chain are live", round)
			}
			rec := new(driver.Record)
			if err := s.Load(t.Context(), chainKey(i, n), rec); err != nil || sample.Whole(rec) != nil {
				t.Fatalf("round %d: %v, %v", round, err, sample.Whole(rec))
			}
			if !indexed(t, s, rec, chainKey(i, n)) {
				t.Fatalf("round %d: an index does not find a session", round)
			}
			at[i] = n
		}
	}
	t.Logf("%d kills, %d renames: nobody lost a session", rounds(), renames)
	checkLeftovers(t, s, dir, chains, 2*chains)
}

// checkLeftovers checks that a sweep after an hour leaves the given numbers of sessions and of markers, and
// nothing else.
func checkLeftovers(t *testing.T, s driver.Backend, dir string, want, wantMarkers int) {
	t.Helper()
	age(t, dir, 2*time.Hour)
	if removed, err := s.(driver.Sweeper).Sweep(t.Context(), nil); err != nil || removed != 0 {
		t.Errorf("Sweep = %d, %v; want 0", removed, err)
	}
	markers, files := 0, 0
	for path, what := range tree(t, dir) {
		switch parts := strings.Split(path, "/"); {
		case strings.Contains(what, "ses1"+strings.Repeat("\xff", 8)): // a mark
		case len(parts) == 3 && len(parts[1]) == 2:
			files++
		case len(parts) == 5:
			markers++
		}
	}
	if count, err := s.(driver.Counter).Count(t.Context()); files != want || markers != wantMarkers || count != want || err != nil {
		t.Errorf("after a sweep: %d files, %d markers, %d sessions (%v), want %d with %d markers", files, markers, count, err, want, wantMarkers)
	}
}
