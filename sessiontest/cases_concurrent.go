package sessiontest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// All rules hold for concurrent requests on several nodes.
var concurrentCases = []testCase{
	{
		name:     "concurrent/increments",
		sentence: "S14",
		rule:     "No acknowledged save is lost, and no version is assigned twice.",
		check: func(t testing.TB, e *env) {
			const workers, each = 32, 25 // each save conflicts with dozens of others
			nodes, key := []driver.Backend{e.node(t), e.node(t)}, e.key("k")
			create(t, nodes[0], key, newRecord("0"))
			versions := make([][]uint64, workers)
			together(workers, func(i int) {
				for range each {
					version, err := increment(t, nodes[i%2], key)
					if err != nil {
						t.Errorf("increment: %v", err)
						return
					}
					versions[i] = append(versions[i], version)
				}
			})
			wantStored(t, nodes[1], key, 1+workers*each, strconv.Itoa(workers*each))
			all := slices.Concat(versions...)
			slices.Sort(all)
			for i, version := range all {
				if want := uint64(i + 2); version != want {
					t.Errorf("of %d acknowledged versions, number %d is %d, want %d", len(all), i+1, version, want)
					break
				}
			}
		},
	},
	{
		name:     "concurrent/creates",
		sentence: "S14",
		rule:     "If several nodes create the same key at the same time, exactly one wins and the others get ErrExists.",
		check: func(t testing.TB, e *env) {
			nodes := []driver.Backend{e.node(t), e.node(t)}
			for round := range 20 {
				key := e.key(strconv.Itoa(round))
				errs := make([]error, 8)
				together(len(errs), func(i int) {
					errs[i] = nodes[i%2].Create(t.Context(), key, newRecord(strconv.Itoa(i)))
				})
				winner := slices.Index(errs, nil)
				if winner < 0 {
					t.Fatalf("nobody won: %v", errs)
				}
				for i, err := range errs {
					if i != winner {
						wantErr(t, "Create beside the first", err, session.ErrExists)
					}
				}
				wantStored(t, nodes[0], key, 1, strconv.Itoa(winner))
			}
		},
	},
	{
		name:     "concurrent/save and delete at a version",
		sentence: "S14",
		rule:     "If a Save and a Delete at the same version compete, exactly one wins: Delete never removes an acknowledged save unnoticed.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			for round := range 50 {
				key := e.key(strconv.Itoa(round))
				create(t, a, key, newRecord("first"))
				rec := newRecord("saved")
				rec.Version = 1
				var saved, deleted error
				both(round, func() { saved = a.Save(t.Context(), key, rec) },
					func() { deleted = b.Delete(t.Context(), key, 1) })
				if saved == nil {
					wantConflict(t, "Delete beside an acknowledged Save", deleted)
					wantStored(t, b, key, 2, "saved")
				} else {
					wantErr(t, "Save beside Delete", saved, session.ErrNotFound)
					wantOK(t, "Delete where Save failed", deleted)
					wantGone(t, a, key)
				}
			}
		},
	},
	{
		name:     "concurrent/delete is final",
		sentence: "S14",
		rule:     "After Delete no concurrent Save or Touch brings the session back.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			for round := range 50 {
				key := e.key(strconv.Itoa(round))
				create(t, a, key, newRecord("first"))
				later := time.Now().Add(2 * time.Hour)
				together(3, func(i int) {
					switch (i + round) % 3 {
					case 0:
						rec := newRecord("saved")
						rec.Version = 1
						for range 3 {
							a.Save(t.Context(), key, rec)
						}
					case 1:
						for range 3 {
							a.Touch(t.Context(), key, later)
						}
					case 2:
						wantOK(t, "Delete", b.Delete(t.Context(), key, 0))
					}
				})
				wantGone(t, a, key)
			}
		},
	},
	{
		name:     "concurrent/save and touch",
		sentence: "S14",
		rule:     "A Touch undoes nothing of a concurrent Save, and the Save undoes nothing of the Touch.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			for round := range 50 {
				key := e.key(strconv.Itoa(round))
				rec := newRecord("first")
				create(t, a, key, rec)
				later := rec.Expires.Add(30 * time.Minute)
				rec.Data = []byte("saved")
				var saved, touched error
				both(round, func() { saved = a.Save(t.Context(), key, rec) },
					func() { touched = b.Touch(t.Context(), key, later) })
				wantOK(t, "Save beside Touch", saved)
				wantOK(t, "Touch beside Save", touched)
				wantStored(t, a, key, 2, "saved")
				e.wantExpires(t, a, key, later)
			}
		},
	},
	{
		name:     "concurrent/whole records",
		sentence: "S14",
		rule:     "A reader sees one version of a record, never parts of two.",
		check: func(t testing.TB, e *env) {
			a, b, key := e.node(t), e.node(t), e.key("k")
			expires := time.Now().Add(time.Hour)
			create(t, a, key, numbered(0, expires))
			together(5, func(i int) {
				if i == 0 {
					for n := range 200 {
						rec := numbered(n+1, expires)
						rec.Version = uint64(n + 1)
						if err := a.Save(t.Context(), key, rec); err != nil {
							t.Errorf("Save: %v", err)
							return
						}
						time.Sleep(time.Nanosecond) // so that the readers get to see versions in between
					}
					return
				}
				for range 300 {
					rec := new(driver.Record)
					if err := b.Load(t.Context(), key, rec); err != nil {
						t.Errorf("Load: %v", err)
						return
					}
					want := numbered(int(rec.Version)-1, expires)
					if rec.User != want.User || !bytes.Equal(rec.Data, want.Data) || rec.Created.Unix() != want.Created.Unix() {
						t.Errorf("version %d has the user %q, the data %.10q… and the time %v of another version",
							rec.Version, rec.User, rec.Data, rec.Created)
						return
					}
				}
			})
		},
	},
}

// numbered returns a record all of which depends on n. It has version n+1.
func numbered(n int, expires time.Time) *driver.Record {
	return &driver.Record{
		User:    strconv.Itoa(n),
		Created: time.Unix(1e9+int64(n), 0),
		Expires: expires,
		Data:    bytes.Repeat([]byte(fmt.Sprintf("%04d", n)), 1000+n),
	}
}

// increment adds one to the number that is the record's data, whatever others do meanwhile, and returns the
// version that it was acknowledged.
func increment(t testing.TB, b driver.Backend, key string) (uint64, error) {
	rec := new(driver.Record)
	if err := b.Load(t.Context(), key, rec); err != nil {
		return 0, err
	}
	for try := range 10_000 {
		n, err := strconv.Atoi(string(rec.Data))
		if err != nil {
			return 0, err
		}
		rec.Data = []byte(strconv.Itoa(n + 1))
		err = b.Save(t.Context(), key, rec)
		if err == nil {
			return rec.Version, nil
		}
		if rec = conflict(err); rec == nil {
			return 0, err
		}
		time.Sleep(rand.N(time.Millisecond << min(try, 5))) // or else conflicts are nearly all that there is
	}
	return 0, errors.New("always in conflict")
}

// together runs f(0) to f(n-1) at the same time and waits for them.
func together(n int, f func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// both runs f and g at the same time, in odd rounds with g first in line.
func both(round int, f, g func()) {
	calls := []func(){f, g}
	together(2, func(i int) { calls[(i+round)%2]() })
}
