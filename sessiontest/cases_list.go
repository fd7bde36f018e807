package sessiontest

import (
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// Counting and listing what is live.
var listCases = []testCase{
	{
		name:     "count/live ones",
		sentence: "Counter",
		rule:     "Count returns the number of live records. It counts neither deleted nor expired records, swept or not.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			c := optional[driver.Counter](t, b)
			wantCount(t, c, 0)
			for i := range 5 {
				create(t, b, e.key(strconv.Itoa(i)), newRecord("x"))
			}
			touch(t, b, e.key("0"), time.Now().Add(2*time.Hour))
			save(t, b, e.key("1"), load(t, b, e.key("1")))
			wantCount(t, c, 5)
			e.createExpired(t, b, e.key("expired"))
			wantCount(t, c, 5)
			for range 2 {
				wantOK(t, "Delete", b.Delete(t.Context(), e.key("0"), 0))
			}
			wantCount(t, c, 4)
		},
	},
	{
		name:     "count/own namespace",
		sentence: "S12",
		rule:     "Count counts its own namespace only.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.nodeOf(t, e.namespace+"x")
			ca, cb := optional[driver.Counter](t, a), optional[driver.Counter](t, b)
			create(t, a, e.key("both"), newRecord("x"))
			create(t, b, e.key("both"), newRecord("x"))
			create(t, b, e.key("b"), newRecord("x"))
			wantCount(t, ca, 1)
			wantCount(t, cb, 2)
		},
	},
	{
		name:     "list/live ones",
		sentence: "Lister",
		rule:     "List yields each live record exactly once, with everything but Data, which is nil.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			l := optional[driver.Lister](t, b)
			want := make(map[string]*driver.Record)
			for i := range 300 {
				rec := newRecord("data")
				rec.Created = rec.Created.Add(-time.Duration(i) * time.Hour)
				rec.Expires = rec.Expires.Add(time.Duration(i) * time.Minute)
				if i%2 == 0 {
					rec.User, rec.AuthTime = "user "+strconv.Itoa(i), rec.Created.Add(time.Second)
				}
				if i%3 == 0 {
					rec.Alias, rec.Meta = "alias "+strconv.Itoa(i), make([]byte, i*3)
				}
				want[e.key(strconv.Itoa(i))] = rec
				create(t, b, e.key(strconv.Itoa(i)), rec)
			}
			save(t, b, e.key("7"), want[e.key("7")])
			create(t, b, e.key("deleted"), newRecord("x"))
			b.Delete(t.Context(), e.key("deleted"), 0)
			e.createExpired(t, b, e.key("expired"))
			for key, got := range listed(t, l) {
				rec := want[key]
				if rec == nil {
					t.Errorf("List yielded a record that is not live")
					continue
				}
				if got.Version != rec.Version || got.Data != nil {
					t.Errorf("listed: version %d, %d bytes of data, want version %d, no data", got.Version, len(got.Data), rec.Version)
				}
				e.wantHead(t, got, rec)
				delete(want, key)
			}
			if len(want) > 0 {
				t.Errorf("List left out %d of 300 records", len(want))
			}
		},
	},
	{
		name:     "list/stops",
		sentence: "Lister",
		rule:     "List stops when its consumer stops. The consumer may use the backend during the listing.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			l := optional[driver.Lister](t, b)
			for i := range 10 {
				create(t, b, e.key(strconv.Itoa(i)), newRecord("x"))
			}
			yielded := 0
			l.List(t.Context())(func(entry driver.Entry, err error) bool {
				yielded++
				wantOK(t, "List", err)
				if err == nil {
					wantOK(t, "Delete while listing", b.Delete(t.Context(), entry.Key, 1))
				}
				return yielded < 3
			})
			if yielded != 3 {
				t.Errorf("List yielded %d times to a consumer who wanted 3", yielded)
			}
			if left := len(listed(t, l)); left != 7 {
				t.Errorf("List yields %d records after 3 of 10 were deleted, want 7", left)
			}
		},
	},
	{
		name:     "list/beside writers",
		sentence: "Lister",
		rule:     "A record that is live throughout is yielded exactly once, whatever happens to other records meanwhile.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			l := optional[driver.Lister](t, a)
			for i := range 100 {
				create(t, a, e.key(strconv.Itoa(i)), newRecord("x"))
			}
			together(2, func(i int) {
				if i == 0 {
					for i := range 200 {
						key := e.key("other " + strconv.Itoa(i))
						wantOK(t, "Create", b.Create(t.Context(), key, newRecord("x")))
						if i%2 == 0 {
							b.Delete(t.Context(), key, 0)
						}
						time.Sleep(50 * time.Microsecond)
					}
					return
				}
				for range 5 {
					got := listed(t, l)
					for i := range 100 {
						if got[e.key(strconv.Itoa(i))] == nil {
							t.Errorf("List left out a record that is live throughout")
							return
						}
					}
					time.Sleep(time.Millisecond)
				}
			})
		},
	},
	{
		name:     "list/own namespace",
		sentence: "S12",
		rule:     "List yields only records of its own namespace.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.nodeOf(t, e.namespace+"x")
			la, lb := optional[driver.Lister](t, a), optional[driver.Lister](t, b)
			create(t, a, e.key("a"), newRecord("x"))
			create(t, b, e.key("b"), newRecord("x"))
			if got := listed(t, la); len(got) != 1 || got[e.key("a")] == nil {
				t.Errorf("List of one namespace yielded %d records, want its own 1", len(got))
			}
			if got := listed(t, lb); len(got) != 1 || got[e.key("b")] == nil {
				t.Errorf("List of the other namespace yielded %d records, want its own 1", len(got))
			}
		},
	},
	{
		name:     "list/cancelled",
		sentence: "Lister",
		rule:     "List with a cancelled context ends, and ends at once after an error.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			l := optional[driver.Lister](t, b)
			create(t, b, e.key("k"), newRecord("x"))
			failed := false
			l.List(cancelled(t))(func(_ driver.Entry, err error) bool {
				if failed {
					t.Errorf("List went on after an error")
					return false
				}
				failed = err != nil
				return true
			})
		},
	},
}

func wantCount(t testing.TB, c driver.Counter, want int) {
	t.Helper()
	if got, err := c.Count(t.Context()); err != nil || got != want {
		t.Errorf("Count = %d, %v; want %d", got, err, want)
	}
}

// listed returns the records that l yields, by key, and checks that none is yielded twice. It may be called from any
// goroutine.
func listed(t testing.TB, l driver.Lister) map[string]*driver.Record {
	t.Helper()
	return collected(t, "List", l.List(t.Context()))
}

// collected returns the records of a listing, by key.
func collected(t testing.TB, call string, listing iter.Seq2[driver.Entry, error]) map[string]*driver.Record {
	t.Helper()
	records := make(map[string]*driver.Record)
	for entry, err := range listing {
		if err != nil {
			t.Errorf("%s: %v", call, err)
			break
		}
		if records[entry.Key] != nil {
			t.Errorf("%s yielded a record twice", call)
		}
		records[entry.Key] = &entry.Record
	}
	return records
}
