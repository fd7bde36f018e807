package cookie_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A jar keeps the cookies of one host as browsers do, and notes what it refuses and what it has to drop.
type jar struct {
	cookies []*http.Cookie // the oldest first
	refused []string
	dropped int
}

const (
	maxPair      = 4096 // name and value
	maxAttribute = 1024
	maxPerHost   = 50
)

func newJar() *jar { return new(jar) }

// take takes the Set-Cookie lines of a response.
func (j *jar) take(lines []string, https bool) {
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err == nil {
			err = j.check(c, https)
		}
		if err != nil {
			j.refused = append(j.refused, fmt.Sprintf("%v: %.60s", err, line))
			continue
		}
		at := slices.IndexFunc(j.cookies, func(o *http.Cookie) bool {
			return o.Name == c.Name && o.Path == c.Path && o.Domain == c.Domain
		})
		switch {
		case c.MaxAge < 0 && at >= 0:
			j.cookies = slices.Delete(j.cookies, at, at+1)
		case c.MaxAge < 0:
		case at >= 0:
			j.cookies[at] = c
		default:
			j.cookies = append(j.cookies, c)
		}
		if len(j.cookies) > maxPerHost {
			j.cookies = j.cookies[1:]
			j.dropped++
		}
	}
}

// check holds c to what draft-ietf-httpbis-rfc6265bis-22 says.
func (j *jar) check(c *http.Cookie, https bool) error {
	name := strings.ToLower(c.Name)
	host := strings.HasPrefix(name, "__host-")
	switch {
	case len(c.Name)+len(c.Value) > maxPair:
		return fmt.Errorf("name and value have %d bytes", len(c.Name)+len(c.Value))
	case max(len(c.Path), len(c.Domain)) > maxAttribute:
		return fmt.Errorf("an attribute is too long")
	case c.Secure && !https:
		return fmt.Errorf("Secure on a connection that is not")
	case (host || strings.HasPrefix(name, "__secure-") || c.Partitioned || c.SameSite == http.SameSiteNoneMode) && !c.Secure:
		return fmt.Errorf("not Secure")
	case host && (c.Path != "/" || c.Domain != ""):
		return fmt.Errorf("Path=%q, Domain=%q", c.Path, c.Domain)
	case c.MaxAge > 400*24*60*60 || c.Expires.After(time.Now().AddDate(0, 0, 401)):
		return fmt.Errorf("over 400 days")
	}
	return nil
}

// header returns the Cookie header.
func (j *jar) header(https bool) string {
	var pairs []string
	for _, c := range j.cookies {
		if !c.Secure || https {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// names returns the names of the cookies whose name begins so.
func (j *jar) names(prefix string) (names []string) {
	for _, c := range j.cookies {
		if strings.HasPrefix(c.Name, prefix) {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// values returns the value of each cookie.
func (j *jar) values() map[string]string {
	values := make(map[string]string)
	for _, c := range j.cookies {
		values[c.Name] = c.Value
	}
	return values
}

func TestJar(t *testing.T) {
	long := strings.Repeat("x", maxPair)
	for _, tt := range []struct {
		line  string
		https bool
		kept  bool
	}{
		{"a=" + long[1:], false, true},
		{"a=" + long, false, false},
		{"a=b; Secure", false, false},
		{"a=b; Secure", true, true},
		{"__Host-a=b; Path=/; Secure", true, true},
		{"__Host-a=b; Path=/", true, false},
		{"__host-a=b; Path=/a; Secure", true, false},
		{"__Host-a=b; Path=/; Secure; Domain=example.com", true, false},
		{"__Secure-a=b; Path=/", true, false},
		{"a=b; SameSite=None", true, false},
		{"a=b; Partitioned", true, false},
		{"a=b; Max-Age=34560001", false, false},
	} {
		j := newJar()
		j.take([]string{tt.line}, tt.https)
		if kept := len(j.cookies) == 1; kept != tt.kept || kept != (len(j.refused) == 0) {
			t.Errorf("%.40s: kept = %t", tt.line, kept)
		}
	}
	j := newJar()
	for i := range maxPerHost + 2 {
		j.take([]string{fmt.Sprintf("c%d=v", i)}, false)
	}
	j.take([]string{"c9=; Path=/elsewhere; Max-Age=0", "c8=; Max-Age=0"}, false)
	if len(j.cookies) != maxPerHost-1 || j.dropped != 2 {
		t.Errorf("%d cookies, %d dropped", len(j.cookies), j.dropped)
	}
}
