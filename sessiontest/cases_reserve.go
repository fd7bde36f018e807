package sessiontest

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Limiting how many sessions a user has.
var reserveCases = []testCase{
	{
		name:     "reserve/refuses",
		sentence: "UserLimiter",
		rule:     "Reserve refuses more than max sessions, counting records and reservations, and then changes nothing.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r, other := optional[driver.UserLimiter](t, b), optional[driver.UserLimiter](t, e.node(t))
			create(t, b, e.key("record"), ownedBy("Ann", 0))
			create(t, b, e.key("another's"), ownedBy("Bob", 0))
			wantReserved(t, r, "Ann", e.key("1"), 3, false)
			wantReserved(t, other, "Ann", e.key("2"), 3, false)
			wantRefused(t, r, "Ann", e.key("3"), 3)
			wantRefused(t, other, "Ann", e.key("3"), 2)
			wantReserved(t, r, "Ann", e.key("2"), 3, false) // once more
			wantStored(t, b, e.key("record"), 1, "0")
			create(t, b, e.key("1"), ownedBy("Ann", 1))
			wantRefused(t, r, "Ann", e.key("3"), 3)
			wantOK(t, "Delete", b.Delete(t.Context(), e.key("record"), 0))
			wantReserved(t, r, "Ann", e.key("3"), 3, false)
			wantRefused(t, r, "Ann", e.key("4"), 3)
		},
	},
	{
		name:     "reserve/no record",
		sentence: "UserLimiter",
		rule:     "A reservation is not a record: nothing finds it, and it does not affect Create.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			r := optional[driver.UserLimiter](t, b)
			wantReserved(t, r, "Ann", key, 1, false)
			wantGone(t, b, key)
			rec := ownedBy("Ann", 0)
			rec.Version = 1
			wantErr(t, "Save", b.Save(t.Context(), key, rec), session.ErrNotFound)
			wantErr(t, "Touch", b.Touch(t.Context(), key, rec.Expires), session.ErrNotFound)
			wantErr(t, "Delete at a version", b.Delete(t.Context(), key, 1), session.ErrNotFound)
			wantUsers(t, optional[driver.UserLister](t, b), "Ann")
			if c, ok := driver.As[driver.Counter](b); ok {
				wantCount(t, c, 0)
			}
			if l, ok := driver.As[driver.Lister](b); ok && len(listed(t, l)) > 0 {
				t.Error("List yielded a reservation")
			}
			create(t, b, key, ownedBy("Ann", 0))
			wantStored(t, b, key, 1, "0")
			wantRefused(t, r, "Ann", e.key("2"), 1)
			wantUsers(t, optional[driver.UserLister](t, b), "Ann", key)
		},
	},
	{
		name:     "reserve/renamed",
		sentence: "UserLimiter",
		rule:     "Rename stores its record under a key that has a reservation. If the old record is gone it returns ErrNotFound.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r, renamer := optional[driver.UserLimiter](t, b), optional[driver.Renamer](t, b)
			create(t, b, e.key("old"), ownedBy("", 0))
			wantReserved(t, r, "Ann", e.key("new"), 1, false)
			err := renamer.Rename(t.Context(), e.key("gone"), 1, e.key("new"), ownedBy("Ann", 1), driver.Mark{})
			wantErr(t, "Rename of a record that is gone", err, session.ErrNotFound)
			wantOK(t, "Rename", renamer.Rename(t.Context(), e.key("old"), 1, e.key("new"), ownedBy("Ann", 1), driver.Mark{}))
			wantStored(t, b, e.key("new"), 1, "1")
			wantRefused(t, r, "Ann", e.key("other"), 1)
		},
	},
	{
		name:     "reserve/beside renames",
		sentence: "UserLimiter",
		rule:     "A record that is being renamed counts once.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			renamer, r := optional[driver.Renamer](t, a), optional[driver.UserLimiter](t, b)
			pause := e.resolution / 100
			var done atomic.Bool
			var wg sync.WaitGroup
			defer func() {
				done.Store(true)
				wg.Wait()
			}()
			for i := range 2 {
				label := strconv.Itoa(i)
				create(t, a, e.key(label), ownedBy("Ann", 0))
				wg.Go(func() {
					for n := 0; !done.Load(); n++ {
						next := strconv.Itoa(i) + " for time " + strconv.Itoa(n)
						if err := renamer.Rename(t.Context(), e.key(label), 1, e.key(next), ownedBy("Ann", 0), driver.Mark{}); err != nil {
							t.Errorf("Rename: %v", err)
							return
						}
						label = next
						time.Sleep(pause) // for the others to get their turn
					}
				})
			}
			for n := range 50 {
				time.Sleep(pause)
				key := e.key("login " + strconv.Itoa(n))
				wantReserved(t, r, "Ann", key, 3, false)
				create(t, b, key, ownedBy("Ann", 0))
				wantRefused(t, r, "Ann", e.key("one too many"), 3)
				wantOK(t, "Delete", b.Delete(t.Context(), key, 1))
			}
		},
	},
	{
		name:     "reserve/lapses",
		sentence: "UserLimiter",
		rule:     "A reservation without a record lapses at its time. An expired record is not counted.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r := optional[driver.UserLimiter](t, b)
			until := e.soon()
			rec := ownedBy("Ann", 0)
			rec.Expires = until
			create(t, b, e.key("expires"), rec)
			for _, label := range []string{"lapses", "created"} {
				_, err := r.Reserve(t.Context(), "Ann", e.key(label), until, 3, false)
				wantOK(t, "Reserve", err)
			}
			create(t, b, e.key("created"), ownedBy("Ann", 0))
			e.waitFor(until)
			wantReserved(t, r, "Ann", e.key("1"), 3, false)
			wantReserved(t, r, "Ann", e.key("2"), 3, false)
			wantRefused(t, r, "Ann", e.key("3"), 3)
			wantUsers(t, optional[driver.UserLister](t, b), "Ann", e.key("created"))
		},
	},
	{
		name:     "reserve/given back",
		sentence: "UserLimiter",
		rule:     "Reserving again for a key until a time in the past gives the place back, and evicts nobody.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r := optional[driver.UserLimiter](t, b)
			create(t, b, e.key("record"), ownedBy("Ann", 0))
			for range 3 {
				wantReserved(t, r, "Ann", e.key("1"), 2, false)
				wantRefused(t, r, "Ann", e.key("2"), 2)
				_, err := r.Reserve(t.Context(), "Ann", e.key("1"), time.Now().Add(-5*time.Second), 2, false)
				wantOK(t, "Reserve", err)
			}
			wantReserved(t, r, "Ann", e.key("2"), 2, true)
			wantStored(t, b, e.key("record"), 1, "0")
		},
	},
	{
		name:     "reserve/too late",
		sentence: "UserLimiter",
		rule:     "A Save or Touch of a record that is gone takes no place.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r := optional[driver.UserLimiter](t, b)
			create(t, b, e.key("k"), ownedBy("Ann", 0))
			rec := load(t, b, e.key("k"))
			wantOK(t, "Delete", b.Delete(t.Context(), e.key("k"), 0))
			wantErr(t, "Save", b.Save(t.Context(), e.key("k"), rec), session.ErrNotFound)
			wantErr(t, "Touch", b.Touch(t.Context(), e.key("k"), rec.Expires.Add(time.Hour)), session.ErrNotFound)
			wantReserved(t, r, "Ann", e.key("1"), 1, false)
		},
	},
	{
		name:     "reserve/evicts",
		sentence: "UserLimiter",
		rule: "With evict, Reserve removes as many records as necessary, those that logged in first, and returns their keys. " +
			"So it does for a key that has a reservation already, if max is smaller now.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r := optional[driver.UserLimiter](t, b)
			for _, i := range []int{4, 2, 0, 3, 1} { // the number is the age
				create(t, b, e.key(strconv.Itoa(i)), ownedBy("Ann", i))
			}
			create(t, b, e.key("another's"), ownedBy("Bob", 9))
			touch(t, b, e.key("4"), time.Now().Add(2*time.Hour))
			wantReserved(t, r, "Ann", e.key("a"), 6, true)
			wantReserved(t, r, "Ann", e.key("b"), 6, true, e.key("4"))
			t.Log("Reserve again for the last key, with max 4 instead of 6:")
			wantReserved(t, r, "Ann", e.key("b"), 4, true, e.key("3"), e.key("2"))
			for _, i := range []int{2, 3, 4} {
				wantGone(t, b, e.key(strconv.Itoa(i)))
			}
			wantUsers(t, optional[driver.UserLister](t, b), "Ann", e.key("0"), e.key("1"))
			wantStored(t, b, e.key("another's"), 1, "9")
		},
	},
	{
		name:     "reserve/evicts no reservation",
		sentence: "UserLimiter",
		rule:     "If everything is reserved, Reserve with evict waits for a record, for a reservation to lapse, or for the end of ctx.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r := optional[driver.UserLimiter](t, b)
			wantReserved(t, r, "Ann", e.key("1"), 1, true)
			ctx, cancel := context.WithTimeout(t.Context(), 20*e.resolution)
			defer cancel()
			if evicted, err := r.Reserve(ctx, "Ann", e.key("2"), inAMinute(), 1, true); err == nil || len(evicted) > 0 {
				t.Fatalf("Reserve = %d evicted, %v, want an error: another has reserved the only place", len(evicted), err)
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				time.Sleep(5 * e.resolution)
				wantOK(t, "Create", b.Create(t.Context(), e.key("1"), ownedBy("Ann", 0)))
			})
			wantReserved(t, r, "Ann", e.key("2"), 1, true, e.key("1"))
			wg.Wait()
		},
	},
	{
		name:     "reserve/exactly",
		sentence: "UserLimiter",
		rule:     "After 32 logins at the same time on two nodes, exactly as many sessions remain as the limit allows.",
		check: func(t testing.TB, e *env) {
			nodes := []driver.Backend{e.node(t), e.node(t)}
			l := optional[driver.UserLister](t, nodes[0])
			optional[driver.UserLimiter](t, nodes[0])
			for _, evict := range []bool{false, true} {
				user := "Ann " + strconv.FormatBool(evict)
				var mu sync.Mutex
				refused, evicted := 0, make(map[string]bool)
				together(32, func(i int) {
					b, key := nodes[i%2], e.key(user+strconv.Itoa(i))
					r, _ := driver.As[driver.UserLimiter](b)
					ctx, cancel := patience(t)
					defer cancel()
					gone, err := r.Reserve(ctx, user, key, inAMinute(), 3, evict)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						wantErr(t, "Reserve", err, session.ErrTooManySessions)
						refused++
						return
					}
					for _, key := range gone {
						evicted[key] = true
					}
					mu.Unlock()
					time.Sleep(time.Millisecond)
					err = b.Create(t.Context(), key, ownedBy(user, 0))
					mu.Lock()
					wantOK(t, "Create", err)
				})
				if got := len(listedOf(t, l, user)); got != 3 {
					t.Errorf("%d sessions remain of 32 logins with the limit of 3", got)
				}
				if evict && (refused != 0 || len(evicted) != 29) || !evict && (refused != 29 || len(evicted) != 0) {
					t.Errorf("evict %t: %d logins refused, %d sessions evicted, want 29 of one kind", evict, refused, len(evicted))
				}
			}
		},
	},
}

func inAMinute() time.Time { return time.Now().Add(time.Minute) }

// patience ends the wait of a Reserve that would never find room.
func patience(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 20*time.Second)
}

// wantReserved reserves until in a minute, and checks which records that evicts.
func wantReserved(t testing.TB, r driver.UserLimiter, user, key string, limit int, evict bool, want ...string) {
	t.Helper()
	ctx, cancel := patience(t)
	defer cancel()
	got, err := r.Reserve(ctx, user, key, inAMinute(), limit, evict)
	wantOK(t, "Reserve", err)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("Reserve with max %d evicted %d records, want %d, or others", limit, len(got), len(want))
	}
}

// wantRefused checks that Reserve without evict finds no room.
func wantRefused(t testing.TB, r driver.UserLimiter, user, key string, limit int) {
	t.Helper()
	ctx, cancel := patience(t)
	defer cancel()
	_, err := r.Reserve(ctx, user, key, inAMinute(), limit, false)
	wantErr(t, "Reserve", err, session.ErrTooManySessions)
}
