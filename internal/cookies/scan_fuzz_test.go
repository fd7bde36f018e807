package cookies_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/internal/cookies"
)

// scanned returns what a Scan finds.
func scanned(lines []string, name string) (values []string) {
	scan := cookies.NewScan(lines, name)
	for {
		value, ok := scan.Next()
		if !ok {
			return values
		}
		values = append(values, value)
	}
}

// FuzzScan holds Scan to what net/http finds, in headers that a client sends. There it finds
// more in others, since net/http drops values with characters that it does not like.
func FuzzScan(f *testing.F) {
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
		rest := cookies.Without(lines, name)
		if left := scanned([]string{rest}, name); left != nil {
			t.Errorf("Without(%q) leaves %q", lines, left)
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
			t.Errorf("Without(%q) = %q: other cookies are %q, were %q", lines, rest, kept, others)
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
