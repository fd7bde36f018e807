package sessiontest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// Listing what is one user's.
var userCases = []testCase{
	{
		name:     "user/live ones",
		sentence: "UserLister",
		rule:     "ListUser yields each live record of exactly that user once, with everything but Data, which is nil.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			l := optional[driver.UserLister](t, b)
			want := make(map[string]*driver.Record)
			for i := range 150 {
				rec := ownedBy("Ann", i)
				rec.Alias, rec.Meta = strconv.Itoa(i%7), make([]byte, i*5)
				want[e.key(strconv.Itoa(i))] = rec
				create(t, a, e.key(strconv.Itoa(i)), rec)
			}
			for i, other := range []string{"ann", "An", "Anna", "Ann ", " Ann", "Ann\x00", "Ann*", "?nn", "Änn", ""} {
				create(t, a, e.key("other"+strconv.Itoa(i)), ownedBy(other, i))
			}
			save(t, a, e.key("7"), want[e.key("7")])
			touch(t, a, e.key("8"), time.Now().Add(2*time.Hour))
			want[e.key("8")] = load(t, a, e.key("8"))
			create(t, a, e.key("deleted"), ownedBy("Ann", 0))
			wantOK(t, "Delete", a.Delete(t.Context(), e.key("deleted"), 0))
			create(t, a, e.key("deleted at its version"), ownedBy("Ann", 0))
			wantOK(t, "Delete at a version", a.Delete(t.Context(), e.key("deleted at its version"), 1))
			expired := ownedBy("Ann", 0)
			expired.Expires = e.soon()
			create(t, a, e.key("expired"), expired)
			e.waitFor(expired.Expires)
			got := listedOf(t, l, "Ann")
			for key, got := range got {
				rec := want[key]
				if rec == nil {
					t.Errorf("ListUser yielded a record that is not live, or not of the user")
					continue
				}
				if got.Version != rec.Version || got.Data != nil {
					t.Errorf("listed: version %d, %d bytes of data, want version %d, no data", got.Version, len(got.Data), rec.Version)
				}
				e.wantHead(t, got, rec)
				delete(want, key)
			}
			if len(want) > 0 {
				t.Errorf("ListUser left out %d of 150 records", len(want))
			}
			wantUsers(t, l, "Anna", e.key("other2"))
			wantUsers(t, l, "nobody")
		},
	},
	{
		name:     "user/comes and goes",
		sentence: "UserLister",
		rule:     "A save that changes the user moves the record from the old user's list to the new one's. Other saves do not.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			l := optional[driver.UserLister](t, b)
			rec := ownedBy("", 0)
			create(t, b, key, rec)
			for _, user := range []string{"Ann", "Ann", "Bob", "", "Bob"} {
				rec.User = user
				save(t, b, key, rec)
				for _, of := range []string{"Ann", "Bob"} {
					if of == user {
						wantUsers(t, l, of, key)
					} else {
						wantUsers(t, l, of)
					}
				}
			}
			stale := *rec
			stale.Version, stale.User = 1, "Ann"
			wantConflict(t, "Save at another version", b.Save(t.Context(), key, &stale))
			wantUsers(t, l, "Ann")
			wantUsers(t, l, "Bob", key)
		},
	},
	{
		name:     "user/renamed",
		sentence: "UserLister",
		rule:     "ListUser yields a renamed record only under its new key.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			l, r := optional[driver.UserLister](t, b), optional[driver.Renamer](t, b)
			create(t, b, e.key("old"), ownedBy("Ann", 0))
			wantOK(t, "Rename", r.Rename(t.Context(), e.key("old"), 1, e.key("new"), ownedBy("Ann", 0), driver.Mark{}))
			wantUsers(t, l, "Ann", e.key("new"))
			wantOK(t, "Rename", r.Rename(t.Context(), e.key("new"), 1, e.key("newer"), ownedBy("Bob", 0), driver.Mark{}))
			wantUsers(t, l, "Ann")
			wantUsers(t, l, "Bob", e.key("newer"))
		},
	},
	{
		name:     "user/renamed meanwhile",
		sentence: "UserLister",
		rule:     "ListUser yields a record that is renamed meanwhile under its old key or its new one.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			l, r := optional[driver.UserLister](t, b), optional[driver.Renamer](t, b)
			const records = 5
			for i := range records {
				create(t, b, e.key(strconv.Itoa(i)), ownedBy("Ann", i))
			}
			var yielded []string
			for entry, err := range l.ListUser(t.Context(), "Ann") {
				if err != nil {
					t.Fatalf("ListUser: %v", err)
				}
				if yielded = append(yielded, entry.Key); len(yielded) > 1 {
					continue
				}
				for i := range records {
					if key := e.key(strconv.Itoa(i)); key != entry.Key {
						wantOK(t, "Rename", r.Rename(t.Context(), key, 1, e.key("new "+strconv.Itoa(i)), ownedBy("Ann", i), driver.Mark{}))
					}
				}
			}
			for i := range records {
				if label := strconv.Itoa(i); !slices.Contains(yielded, e.key(label)) && !slices.Contains(yielded, e.key("new "+label)) {
					t.Errorf("ListUser left out a record that was renamed meanwhile")
				}
			}
		},
	},
	{
		name:     "user/outlives its first deadline",
		sentence: "UserLister",
		rule:     "A record whose deadline was moved later, by Touch or by Save, stays in its user's list.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			l := optional[driver.UserLister](t, b)
			e.outlive(t, func(rec *driver.Record, name string) { rec.User = name },
				func(name string, keys ...string) { wantUsers(t, l, name, keys...) })
		},
	},
	{
		name:     "user/own namespace",
		sentence: "S12",
		rule:     "ListUser yields only records of its own namespace, and Reserve counts only those.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.nodeOf(t, e.namespace+"x")
			la, lb := optional[driver.UserLister](t, a), optional[driver.UserLister](t, b)
			create(t, a, e.key("a"), ownedBy("Ann", 0))
			create(t, b, e.key("b"), ownedBy("Ann", 0))
			wantUsers(t, la, "Ann", e.key("a"))
			wantUsers(t, lb, "Ann", e.key("b"))
			r := optional[driver.UserLimiter](t, a)
			wantReserved(t, r, "Ann", e.key("a2"), 2, false)
		},
	},
	{
		name:     "user/clear",
		sentence: "Clearer",
		rule:     "Clear leaves no record in any user's list and no reservation.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			l, c := optional[driver.UserLister](t, b), optional[driver.Clearer](t, b)
			create(t, b, e.key("1"), ownedBy("Ann", 0))
			if r, ok := driver.As[driver.UserLimiter](b); ok {
				wantReserved(t, r, "Ann", e.key("2"), 2, false)
			}
			wantOK(t, "Clear", c.Clear(t.Context()))
			wantUsers(t, l, "Ann")
			create(t, b, e.key("1"), ownedBy("Ann", 0))
			wantUsers(t, l, "Ann", e.key("1"))
			if r, ok := driver.As[driver.UserLimiter](b); ok {
				wantReserved(t, r, "Ann", e.key("3"), 2, false)
			}
		},
	},
}

// outlive touches one record of a name, and saves another, with later deadlines, and wants both listed after the first ones.
func (e *env) outlive(t testing.TB, give func(rec *driver.Record, name string), want func(name string, keys ...string)) {
	t.Helper()
	e.inTime(t, func(key string, expires time.Time) error {
		name, b, other := "Ann "+key, e.node(t), key[1:]+"A"
		touched, saved := newRecord("x"), newRecord("x")
		for _, rec := range []*driver.Record{touched, saved} {
			give(rec, name)
			rec.Expires = expires
		}
		create(t, b, key, touched)
		create(t, b, other, saved)
		if err := b.Touch(t.Context(), key, time.Now().Add(time.Hour)); err != nil {
			return err
		}
		saved.Expires = time.Now().Add(time.Hour)
		if err := b.Save(t.Context(), other, saved); err != nil {
			return err
		}
		e.waitFor(expires)
		want(name, key, other)
		return nil
	})
}

// ownedBy returns a record of a user who logged in so many minutes ago.
func ownedBy(user string, age int) *driver.Record {
	rec := newRecord(strconv.Itoa(age))
	rec.User = user
	if user != "" {
		rec.AuthTime = rec.Created.Add(-time.Duration(age) * time.Minute)
	}
	return rec
}

// wantUsers checks the keys that ListUser yields.
func wantUsers(t testing.TB, l driver.UserLister, user string, want ...string) {
	t.Helper()
	got := listedOf(t, l, user)
	for _, key := range want {
		if got[key] == nil {
			t.Errorf("ListUser left out a record of %q", user)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("ListUser of %q yielded %d records too many", user, len(got))
	}
}

// listedOf returns what ListUser yields.
func listedOf(t testing.TB, l driver.UserLister, user string) map[string]*driver.Record {
	t.Helper()
	return collected(t, "ListUser", l.ListUser(t.Context(), user))
}
