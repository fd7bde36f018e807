package session

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// scanned returns what a cookieScan finds.
func scanned(lines []string, name string) (values []string) {
	scan := cookieScan{lines: lines, name: name}
	for {
		value, ok := scan.next()
		if !ok {
			return values
		}
		values = append(values, value)
	}
}

// FuzzCookieScan holds cookieScan to what net/http finds, in headers that a client sends. There it finds
// more in others, since net/http drops values with characters that it does not like.
func FuzzCookieScan(f *testing.F) {
	for _, line := range []string{
		"sid=1", "a=b; sid=1; c=d", "a=b;sid=1;c=d", `sid="1"; sid=2`, "sid", "sid=", "xsid=1; sidx=2; SID=3", ";;; =; sid=1", " sid=1 ",
		"sid=a=b", "sid=\x00", "sid= 1 2 ", `sid="`, `sid=""`, "sid\t=1", "sid =1", "theme=dark;\tsid=1\t;", "sid=1,sid=2",
	} {
		f.Add(line, "sid=second")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		const name = "sid"
		lines := []string{first, second}
		got := scanned(lines, name)
		for _, value := range got {
			if strings.Contains(value, ";") {
				t.Errorf("value %q of %q", value, lines)
			}
		}
		rest := withoutCookie(lines, name)
		if left := scanned([]string{rest}, name); left != nil {
			t.Errorf("withoutCookie(%q) leaves %q", lines, left)
		}
		both := first + second
		if strings.ContainsAny(both, "\r\n") || strings.Contains(both, " =") || strings.Contains(both, "\t=") {
			return // no client sends them
		}
		r := &http.Request{Header: http.Header{"Cookie": lines}}
		var want, others []string
		for _, c := range r.Cookies() {
			if c.Name == name && c.Value != "" { // without a value there may be no "=" either
				want = append(want, c.Value)
			} else if c.Name != name {
				others = append(others, c.String())
			}
		}
		found := got
		for _, value := range want {
			i := slices.Index(found, value)
			if i < 0 {
				t.Fatalf("%q: found %q, net/http %q", lines, got, want)
			}
			found = found[i+1:]
		}
		var kept []string
		r.Header = http.Header{"Cookie": {rest}}
		for _, c := range r.Cookies() {
			if c.Name != name || c.Value != "" {
				kept = append(kept, c.String())
			}
		}
		if !slices.Equal(kept, others) {
			t.Errorf("withoutCookie(%q) = %q: other cookies are %q, were %q", lines, rest, kept, others)
		}
		r.Header = http.Header{}
		for _, value := range want {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
			r.AddCookie(&http.Cookie{Name: "x" + name, Value: value})
		}
		if got := scanned(r.Header["Cookie"], name); !slices.Equal(got, want) {
			t.Errorf("%q: found %q, want %q", r.Header["Cookie"], got, want)
		}
	})
}

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
