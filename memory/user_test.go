package memory

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// TestIndexIsThatOfTheRecords checks that nothing stays in the index of what is gone, and nothing is missing.
func TestIndexIsThatOfTheRecords(t *testing.T) {
	for _, capped := range []bool{false, true} {
		t.Run(fmt.Sprintf("capped %t", capped), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b driver.Backend = newStore()
				s, _ := b.(*store)
				if capped {
					c := newCapped(12)
					b, s = c, c.store
				}
				users, keys := []string{"", "Ann", "Bob"}, make([]string, 20)
				for i := range keys {
					keys[i] = fmt.Sprint("key ", i)
				}
				for range 20_000 {
					user, key := users[rand.N(len(users))], keys[rand.N(len(keys))]
					rec := &driver.Record{
						Version: rand.N[uint64](3), User: user, Expires: time.Now().Add(rand.N(time.Minute)),
					}
					switch rand.N(11) {
					case 0, 1, 2:
						b.Create(t.Context(), key, rec)
					case 3, 4:
						b.Save(t.Context(), key, rec)
					case 5:
						b.Delete(t.Context(), key, rand.N[uint64](3))
					case 6:
						time.Sleep(rand.N(10 * time.Second))
					case 7:
						b.(driver.Sweeper).Sweep(t.Context(), nil)
					case 8:
						if user != "" {
							b.(driver.UserLimiter).Reserve(t.Context(), user, key, time.Now(), 1+rand.N(5), rand.N(2) == 0)
						}
					case 9:
						if rand.N(100) == 0 {
							b.(driver.Clearer).Clear(t.Context())
						}
					case 10:
						b.(driver.Renamer).Rename(t.Context(), key, rand.N[uint64](3), keys[rand.N(len(keys))], rec, driver.Mark{})
					}
				}
				b.(driver.Sweeper).Sweep(t.Context(), nil) // what has expired may be in the index or not
				want := make(map[string][]id)
				for _, nodes := range s.walk(t.Context()) {
					for _, n := range nodes {
						if n.User() != "" {
							want[n.User()] = append(want[n.User()], n.id)
						}
					}
				}
				got := make(map[string][]id)
				for i := range s.users.parts {
					for user, x := range s.users.parts[i].ids {
						got[user] = x.all()
						slices.SortFunc(got[user], compareIDs)
					}
					if reserved := s.users.parts[i].reserved; len(reserved) > 0 {
						t.Errorf("reserved after a sweep, though the time is over: %v", reserved)
					}
				}
				for _, ids := range want {
					slices.SortFunc(ids, compareIDs)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("indexed %v, want %v", got, want)
				}
			})
		})
	}
}

// TestReserveIsExact has many log in at once, again and again: with evict as many records remain as the limit says, no
// more and no fewer.
func TestReserveIsExact(t *testing.T) {
	const limit, logins = 3, 8
	for _, capped := range []bool{false, true} {
		var b driver.Backend = newStore()
		if capped {
			b = newCapped(1 << 20)
		}
		for round := range 500 {
			user := fmt.Sprint("user ", round)
			var wg sync.WaitGroup
			for i := range logins {
				wg.Go(func() {
					key := fmt.Sprint(round, " ", i)
					rec := &driver.Record{User: user, Created: time.Now(), AuthTime: time.Now(), Expires: time.Now().Add(time.Hour)}
					_, err := b.(driver.UserLimiter).Reserve(t.Context(), user, key, rec.Expires, limit, true)
					if err == nil {
						err = b.Create(t.Context(), key, rec)
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			n := 0
			for range b.(driver.UserLister).ListUser(t.Context(), user) {
				n++
			}
			if n != limit {
				t.Fatalf("capped %t, round %d: %d records are left of %d logins, want %d", capped, round, n, logins, limit)
			}
		}
	}
}

// TestRenameLocksInOneOrder has a session change its key from the higher of two shards to the lower: while it waits for that
// it holds no other, or two sessions that cross would wait for each other.
func TestRenameLocksInOneOrder(t *testing.T) {
	s := newStore()
	key := func(n uint64) string {
		for i := 0; ; i++ {
			if key := fmt.Sprint("key ", i); s.at(key).id.hi%shardCount == n {
				return key
			}
		}
	}
	record := func() *driver.Record { return &driver.Record{Expires: time.Now().Add(time.Hour)} }
	if err := s.Create(t.Context(), key(1), record()); err != nil {
		t.Fatal(err)
	}
	renamed := make(chan error)
	s.shards[0].mu.Lock()
	go func() { renamed <- s.Rename(t.Context(), key(1), 1, key(0), record(), driver.Mark{}) }()
	for range 50 {
		time.Sleep(time.Millisecond)
		if !s.shards[1].mu.TryLock() {
			t.Error("it waits for the lower shard with the higher locked")
			break
		}
		s.shards[1].mu.Unlock()
	}
	s.shards[0].mu.Unlock()
	if err := <-renamed; err != nil {
		t.Error(err)
	}
}

// TestRenamedCountsOnce has sessions get new keys while there is room for one more: it is always found.
func TestRenamedCountsOnce(t *testing.T) {
	for _, capped := range []bool{false, true} {
		var b driver.Backend = newStore()
		if capped {
			b = newCapped(1 << 20)
		}
		record := func() *driver.Record { return &driver.Record{User: "Ann", Expires: time.Now().Add(time.Hour)} }
		var done atomic.Bool
		var wg sync.WaitGroup
		for i := range 2 {
			key := fmt.Sprint("session ", i)
			if err := b.Create(t.Context(), key, record()); err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				for n := 0; !done.Load(); n++ {
					next := fmt.Sprint("session ", i, " ", n)
					if err := b.(driver.Renamer).Rename(t.Context(), key, 1, next, record(), driver.Mark{}); err != nil {
						t.Errorf("Rename: %v", err)
						return
					}
					key = next
				}
			})
		}
		for n := range 5000 {
			key := fmt.Sprint("login ", n)
			if _, err := b.(driver.UserLimiter).Reserve(t.Context(), "Ann", key, time.Now().Add(time.Hour), 3, false); err != nil {
				t.Errorf("capped %t: Reserve = %v, want room for the third session", capped, err)
				break
			}
			if err := b.Create(t.Context(), key, record()); err != nil {
				t.Fatal(err)
			}
			_, err := b.(driver.UserLimiter).Reserve(t.Context(), "Ann", key+" more", time.Now().Add(time.Hour), 3, false)
			if !errors.Is(err, session.ErrTooManySessions) {
				t.Errorf("capped %t: Reserve = %v, want none for a fourth", capped, err)
				break
			}
			if err := b.Delete(t.Context(), key, 0); err != nil {
				t.Fatal(err)
			}
		}
		done.Store(true)
		wg.Wait()
	}
}

func compareIDs(a, b id) int { return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo)) }

// TestLoginIsOneStep has sessions change hands while somebody lists the former user's: what the list no longer has is not found
// under its old key either.
func TestLoginIsOneStep(t *testing.T) {
	s, ctx := newStore(), t.Context()
	key := func(n int) string { return id{hi: uint64(n), lo: uint64(n)}.String() }
	var at atomic.Int64
	var working sync.WaitGroup
	working.Go(func() {
		for n := at.Load(); n >= 0; n = at.Load() {
			listed := 0
			for range s.ListUser(ctx, "bob") {
				listed++
			}
			var rec driver.Record
			if err := s.Load(ctx, key(int(n)), &rec); err == nil && rec.User == "bob" && listed == 0 {
				t.Errorf("bob has no session, and session %d is his", n)
				return
			}
		}
	})
	for n := 1; n < 200_000 && !t.Failed(); n++ {
		rec := &driver.Record{User: "bob", Expires: time.Now().Add(time.Hour)}
		if err := s.Create(ctx, key(n), rec); err != nil {
			t.Fatal(err)
		}
		at.Store(int64(n))
		rec.User = "ann"
		if err := s.Rename(ctx, key(n), 1, key(-n), rec, driver.Mark{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(ctx, key(-n), 0); err != nil {
			t.Fatal(err)
		}
	}
	at.Store(-1)
	working.Wait()
}
