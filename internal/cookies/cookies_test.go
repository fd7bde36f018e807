package cookies_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/cookies"
)

// TestWriter has net/http read the lines, and compares what a deletion says with what it deletes.
func TestWriter(t *testing.T) {
	for name, a := range map[string]cookies.Attributes{
		"little": {Name: "sid", Path: "/"},
		"all": {
			Name: "__Secure-sid", Path: "/app", Domain: "example.com", HTTPOnly: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
		},
		"lax":    {Name: "sid", Path: "/", SameSite: http.SameSiteLaxMode},
		"strict": {Name: "sid", Path: "/", SameSite: http.SameSiteStrictMode, HTTPOnly: true},
	} {
		w := cookies.NewWriter(a)
		for _, secure := range []bool{false, true} {
			for part, want := range map[int]string{0: a.Name, 3: a.Name + ".3"} {
				set, gone := parse(t, w.Line(part, "value", secure, 60)), parse(t, w.Deletion(part, secure))
				if set.Value != "value" || set.MaxAge != 60 || set.Expires.IsZero() {
					t.Errorf("%s: set is %v", name, set)
				}
				if gone.Value != "" || gone.MaxAge >= 0 || gone.Expires.Unix() != 0 {
					t.Errorf("%s: gone is %v", name, gone)
				}
				for _, c := range []*http.Cookie{set, gone} {
					if c.Name != want || c.Secure != secure || (cookies.Attributes{
						Name: a.Name, Path: c.Path, Domain: c.Domain, HTTPOnly: c.HttpOnly, SameSite: c.SameSite, Partitioned: c.Partitioned,
					}) != a {
						t.Errorf("%s: %v, want %v", name, c, a)
					}
				}
				if brief := parse(t, w.Line(part, "value", secure, 0)); brief.MaxAge != 0 || !brief.Expires.IsZero() {
					t.Errorf("%s: that of a browser session is %v", name, brief)
				}
			}
		}
	}
}

func parse(t *testing.T, line string) *http.Cookie {
	t.Helper()
	c, err := http.ParseSetCookie(line)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return c
}

func TestPart(t *testing.T) {
	for cookie, want := range map[string]int{
		"sid": 0, "sid.1": 1, "sid.8": 8,
		"": -1, "si": -1, "sid.": -1, "sid.0": -1, "sid.9": -1, "sid.10": -1, "sid.x": -1, "sid1": -1, "SID": -1, "xsid": -1,
	} {
		if part, ok := cookies.Part(cookie, "sid"); ok != (want >= 0) || ok && part != want {
			t.Errorf("Part(%q) = %d, %v", cookie, part, ok)
		}
	}
}

// TestCut checks that no cookie is too long, and that Join finds what was cut as long as nothing is missing.
func TestCut(t *testing.T) {
	const name = "sid"
	for _, n := range []int{cookies.MaxSize, 2 * cookies.MaxSize, 9*cookies.MaxSize - 9*len("sid.1") - len("9.") + len(".1")} {
		sealed := strings.Repeat("abcdefghij", n/10+1)[:n]
		values, err := cookies.Cut(name, sealed, cookies.MaxParts)
		if err != nil {
			t.Fatal(n, err)
		}
		var pairs []string
		for part, value := range values {
			if pairs = append(pairs, cookies.PartName(name, part)+"="+value); len(pairs[part])-len("=") > cookies.MaxSize {
				t.Errorf("part %d of %d bytes has %d", part, n, len(pairs[part])-1)
			}
		}
		if got, ok := cookies.Join([]string{strings.Join(pairs, "; ")}, name, values[0], len(values)); !ok || got != sealed {
			t.Errorf("%d bytes are not joined again", n)
		}
		if _, ok := cookies.Join(pairs[:len(pairs)-1], name, values[0], len(values)); ok {
			t.Errorf("%d bytes are joined without the last part", n)
		}
		if _, ok := cookies.Join(pairs, name, values[0], len(values)-1); ok {
			t.Errorf("%d bytes are joined of more parts than there may be", n)
		}
		if _, err := cookies.Cut(name, sealed, len(values)-1); !errors.Is(err, driver.ErrTooLarge) {
			t.Errorf("%d bytes in too few cookies: %v", n, err)
		}
	}
	if _, err := cookies.Cut(name, strings.Repeat("a", 9*cookies.MaxSize), cookies.MaxParts); !errors.Is(err, driver.ErrTooLarge) {
		t.Error(err)
	}
}

// TestCheck checks that Check says of every length what Cut does.
func TestCheck(t *testing.T) {
	const name = "sid"
	for most := 1; most <= cookies.MaxParts; most++ {
		fits := most * (cookies.MaxSize - len("sid.1"))
		if most == 1 {
			fits = cookies.MaxSize - len(name)
		}
		for n := fits - 3; n <= fits+3; n++ {
			err := cookies.Check(name, n, most)
			if (err == nil) != (n <= fits) || err != nil && !errors.Is(err, driver.ErrTooLarge) {
				t.Errorf("%d characters in %d cookies: %v", n, most, err)
			}
			if n <= cookies.MaxSize-len(name) { // one cookie holds it
				continue
			}
			values, cut := cookies.Cut(name, strings.Repeat("a", n), most)
			if (cut == nil) != (err == nil) || len(values) > most {
				t.Errorf("%d characters in %d cookies: Cut makes %d of them, %v", n, most, len(values), cut)
			}
		}
	}
}

// TestTimes checks that a line has the times of its own second, whatever other lines have just had.
func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := cookies.NewWriter(cookies.Attributes{Name: "sid", Path: "/"})
		for range 3 {
			for _, maxAge := range []int{60, 60, 3600, 0} {
				at := time.Time{}
				if maxAge > 0 {
					at = time.Now().Add(time.Duration(maxAge) * time.Second).Truncate(time.Second).UTC()
				}
				line := string(w.AppendAttributes([]byte("sid=value"), false, maxAge))
				if same := w.Line(0, "value", false, maxAge); line != same {
					t.Errorf("AppendAttributes makes %q, Line %q", line, same)
				}
				if c := parse(t, line); c.MaxAge != maxAge || !c.Expires.Equal(at) {
					t.Errorf("%q, want Max-Age %d and Expires %v", line, maxAge, at)
				}
			}
			time.Sleep(999 * time.Millisecond)
		}
	})
}

func TestValidValue(t *testing.T) {
	for value, want := range map[string]bool{
		"": true, "aA0_-.~!#$%&'()*+/:<=>?@[]^`{|}": true, `a"b`: false, "a b": false, "a,b": false, "a;b": false, `a\b`: false,
		"a\tb": false, "\x7f": false, "ä": false, "\xff": false,
	} {
		if got := cookies.ValidValue(value); got != want {
			t.Errorf("ValidValue(%q) = %v", value, got)
		}
	}
}
