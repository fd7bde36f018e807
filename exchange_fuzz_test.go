package session

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzQueryValue holds queryValue to what net/url finds, where nothing is escaped.
func FuzzQueryValue(f *testing.F) {
	for _, query := range []string{
		"", "sid=1", "a=b&sid=1&c=d", "sid", "sid=", "&&&", "sid=1&sid=2", "xsid=1&sid=2", "sid=a=b", "=1&sid=1", "sid=%31&a=%zz", "s%69d=1", "sid;=1",
	} {
		f.Add(query, "0123abcd")
	}
	f.Fuzz(func(t *testing.T, query, value string) {
		const name = "sid"
		got := queryValue(query, name)
		with, without := withQueryValue(query, name, value), withQueryValue(query, name, "")
		if q := queryValue(with, name); q != url.QueryEscape(value) {
			t.Errorf("withQueryValue(%q, %q) = %q: the value is %q", query, value, with, q)
		}
		if q := queryValue(without, name); q != "" {
			t.Errorf("withQueryValue(%q, \"\") = %q: the value is %q", query, without, q)
		}
		if strings.ContainsAny(query, "%+;") {
			return // a sid needs no escapes, and net/url refuses semicolons
		}
		want, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if got != want.Get(name) {
			t.Errorf("queryValue(%q) = %q, net/url %q", query, got, want.Get(name))
		}
		for what, text := range map[string]string{"set": with, "removed": without} {
			after, err := url.ParseQuery(text)
			if err != nil {
				t.Fatalf("%s: %q: %v", what, text, err)
			}
			for key, values := range want {
				if key != name && !slices.Equal(after[key], values) {
					t.Errorf("%s: %q, then %q: %q is %q", what, query, text, key, after[key])
				}
			}
			if what == "set" && after.Get(name) != value {
				t.Errorf("%q, then %q", query, text)
			}
		}
	})
}
