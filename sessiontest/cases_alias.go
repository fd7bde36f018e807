package sessiontest

import (
	"strconv"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
)

// Finding sessions by another name.
var aliasCases = []testCase{
	{
		name:     "alias/live ones",
		sentence: "AliasLister",
		rule:     "ListAlias yields each live record with exactly that alias once, with everything but its data, and no record whose user has that name.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			l := optional[driver.AliasLister](t, b)
			rec := aliased("https://a.example 1")
			rec.User, rec.Meta = "Ann", []byte("metadata")
			create(t, a, e.key("1"), rec)
			second := aliased("https://a.example 1")
			create(t, a, e.key("2"), second)
			for _, other := range []string{"https://a.example 11", "https://a.example", "HTTPS://a.example 1", "https://a.example 1 ", ""} {
				create(t, a, e.key("other "+other), aliased(other))
			}
			create(t, a, e.key("a user"), ownedBy("https://a.example 1", 0))
			create(t, a, e.key("deleted"), aliased("https://a.example 1"))
			wantOK(t, "Delete", a.Delete(t.Context(), e.key("deleted"), 0))
			expired := aliased("https://a.example 1")
			expired.Expires = e.soon()
			create(t, a, e.key("expired"), expired)
			e.waitFor(expired.Expires)
			got := wantAliases(t, l, "https://a.example 1", e.key("1"), e.key("2"))
			for key, want := range map[string]*driver.Record{e.key("1"): rec, e.key("2"): second} {
				if got[key] == nil {
					continue
				}
				if got[key].Version != 1 || got[key].Data != nil {
					t.Errorf("listed: version %d, %d bytes of data, want version 1, no data", got[key].Version, len(got[key].Data))
				}
				e.wantHead(t, got[key], want)
			}
			wantAliases(t, l, "Ann")
			wantAliases(t, l, "nobody")
			var many []string
			for i := range 150 {
				many = append(many, e.key("many "+strconv.Itoa(i)))
				create(t, a, many[i], aliased("many"))
			}
			wantAliases(t, l, "many", many...)
		},
	},
	{
		name:     "alias/comes and goes",
		sentence: "AliasLister",
		rule:     "A save or a rename that changes the alias moves the record from one list to the other. One that changes the user does not.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			l := optional[driver.AliasLister](t, b)
			rec := aliased("")
			create(t, b, key, rec)
			check := func(key, alias string) {
				t.Helper()
				for _, of := range []string{"a", "b"} {
					if of == alias {
						wantAliases(t, l, of, key)
					} else {
						wantAliases(t, l, of)
					}
				}
			}
			for i, alias := range []string{"a", "a", "b", "", "b"} {
				rec.Alias, rec.User = alias, string(rune('A'+i))
				save(t, b, key, rec)
				check(key, alias)
			}
			stale := *rec
			stale.Version, stale.Alias = 1, "a"
			wantConflict(t, "Save at another version", b.Save(t.Context(), key, &stale))
			check(key, "b")
			r, ok := driver.As[driver.Renamer](b)
			if !ok {
				return
			}
			for i, alias := range []string{"b", "a", ""} {
				next := e.key("renamed " + string(rune('a'+i)))
				wantOK(t, "Rename", r.Rename(t.Context(), key, rec.Version, next, aliased(alias), driver.Mark{}))
				key, rec.Version = next, 1
				check(key, alias)
			}
		},
	},
	{
		name:     "alias/outlives its first deadline",
		sentence: "AliasLister",
		rule:     "A record whose deadline was moved later, by Touch or by Save, stays in the list of its alias.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			l := optional[driver.AliasLister](t, b)
			e.outlive(t, func(rec *driver.Record, name string) { rec.Alias = name },
				func(name string, keys ...string) { wantAliases(t, l, name, keys...) })
		},
	},
	{
		name:     "alias/own namespace",
		sentence: "S12",
		rule:     "ListAlias yields only records of its own namespace, and none that Clear has removed.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.nodeOf(t, e.namespace+"x")
			la, lb := optional[driver.AliasLister](t, a), optional[driver.AliasLister](t, b)
			create(t, a, e.key("a"), aliased("x"))
			create(t, b, e.key("b"), aliased("x"))
			wantAliases(t, la, "x", e.key("a"))
			wantAliases(t, lb, "x", e.key("b"))
			wantOK(t, "Clear", optional[driver.Clearer](t, a).Clear(t.Context()))
			wantAliases(t, la, "x")
			create(t, a, e.key("a"), aliased("x"))
			wantAliases(t, la, "x", e.key("a"))
			wantAliases(t, lb, "x", e.key("b"))
		},
	},
}

// aliased returns a record with another name.
func aliased(alias string) *driver.Record {
	rec := newRecord("x")
	rec.Alias = alias
	return rec
}

// wantAliases checks the keys that ListAlias yields, and returns what it yields.
func wantAliases(t testing.TB, l driver.AliasLister, alias string, want ...string) map[string]*driver.Record {
	t.Helper()
	got := collected(t, "ListAlias", l.ListAlias(t.Context(), alias))
	for _, key := range want {
		if got[key] == nil {
			t.Errorf("ListAlias left out a record")
		}
	}
	if len(got) > len(want) {
		t.Errorf("ListAlias yielded %d records, want %d", len(got), len(want))
	}
	return got
}
