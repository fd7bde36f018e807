package sessionfasthttp_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/rawhttp"
)

// unknown is a sid that no server has made.
var unknown = strings.Repeat("ab", 16)

// hostile are Cookie header lines that parsers read in different ways. LIVE stands for the sid of ann's session.
var hostile = []struct {
	name  string
	lines []string
	ann   bool // her session is found
	// refused says that each server answers with an error before an application sees the request.
	refused bool
}{
	{name: "live", lines: []string{"gosessionid=LIVE"}, ann: true},
	{name: "none"},
	{name: "empty", lines: []string{""}},
	{name: "empty value", lines: []string{"gosessionid="}},
	{name: "no value", lines: []string{"gosessionid"}},
	{name: "no name", lines: []string{"=LIVE"}},
	{name: "no name, and a value that looks like a cookie", lines: []string{"=gosessionid=LIVE"}},
	{name: "no name, after another", lines: []string{"x=1; =gosessionid=LIVE"}},
	{name: "only separators", lines: []string{strings.Repeat(";", 5000)}},
	{name: "a cookie of 64 KiB", lines: []string{"gosessionid=" + strings.Repeat("a", 64<<10)}},
	{name: "a cookie of 64 KiB before", lines: []string{"x=" + strings.Repeat("a", 64<<10) + "; gosessionid=LIVE"}, ann: true},
	{name: "4,000 cookies before", lines: []string{strings.Repeat("x=1; ", 4000) + "gosessionid=LIVE"}, ann: true},
	{name: "4,000 malformed sids before", lines: []string{strings.Repeat("gosessionid=x; ", 4000) + "gosessionid=LIVE"}, ann: true},
	{name: "4,000 unknown sids", lines: []string{strings.Repeat("gosessionid="+unknown+"; ", 4000) + "gosessionid=LIVE"}},
	{name: "4,000 lines", lines: append(slices.Repeat([]string{"x=1"}, 4000), "gosessionid=LIVE"), ann: true},
	{name: "200 KiB", lines: []string{strings.Repeat("x=1;", 50<<10) + "gosessionid=LIVE"}, ann: true},
	{name: "over 1 MiB", lines: []string{strings.Repeat("x=1;", 1<<19) + "gosessionid=LIVE"}, refused: true},
	{name: "twice", lines: []string{"gosessionid=LIVE; gosessionid=LIVE"}, ann: true},
	{name: "a dead one first", lines: []string{"gosessionid=" + unknown + "; gosessionid=LIVE"}, ann: true},
	{name: "two lines", lines: []string{"gosessionid=" + unknown, "gosessionid=LIVE"}, ann: true},
	{name: "two lines, the second without a name", lines: []string{"x=1", "=gosessionid=LIVE"}},
	{name: "a tossed one first", lines: []string{"gosessionid=evil; gosessionid=LIVE"}, ann: true},
	{name: "quoted", lines: []string{`gosessionid="LIVE"`}, ann: true},
	{name: "quoted once", lines: []string{`gosessionid="LIVE`}},
	{name: "quoted twice", lines: []string{`gosessionid=""LIVE""`}},
	{name: "quoted with a separator", lines: []string{`gosessionid="LIVE;"`}},
	{name: "quoted with spaces", lines: []string{`gosessionid=" LIVE "`}},
	{name: "single quotes", lines: []string{"gosessionid='LIVE'"}},
	{name: "a backslash", lines: []string{`gosessionid=\LIVE; x="\""; gosessionid=LIVE`}, ann: true},
	{name: "a space before the value", lines: []string{"gosessionid= LIVE"}},
	{name: "a space before the equals sign", lines: []string{"gosessionid =LIVE"}},
	{name: "a space after", lines: []string{"gosessionid=LIVE ; x=1"}, ann: true},
	{name: "a tab before", lines: []string{"x=1;\tgosessionid=LIVE"}, ann: true},
	{name: "upper case name", lines: []string{"GOSESSIONID=LIVE"}},
	{name: "comma", lines: []string{"x=1, gosessionid=LIVE"}},
	{name: "two values", lines: []string{"gosessionid=LIVE,LIVE"}},
	{name: "attributes", lines: []string{"gosessionid=LIVE; Path=/; HttpOnly; Max-Age=0"}, ann: true},
	{name: "RFC 2965", lines: []string{`$Version="1"; gosessionid="LIVE"; $Path="/"`}, ann: true},
	{name: "NUL", lines: []string{"gosessionid=LIVE\x00"}, refused: true},
	{name: "NUL within", lines: []string{"gosessionid=\x00LIVE; gosessionid=LIVE"}, refused: true},
	{name: "a bare CR", lines: []string{"gosessionid=LIVE\r; x=1"}, refused: true},
	{name: "CRLF", lines: []string{"gosessionid=LIVE\r\nX-Injected: 1"}, ann: true},
	{name: "CRLF in the value", lines: []string{"gosessionid=evil\r\nSet-Cookie: gosessionid=evil"}},
	{name: "a folded line", lines: []string{"gosessionid=\r\n LIVE"}},
	{name: "UTF-8", lines: []string{"gosessionid=LIVEé; ключ=é"}},
	{name: "UTF-8 before", lines: []string{"ключ=é; gosessionid=LIVE"}, ann: true},
	{name: "invalid UTF-8", lines: []string{"gosessionid=\xff\xfe; gosessionid=LIVE"}, ann: true},
	{name: "percent-escapes", lines: []string{"gosessionid=%4c%49%56%45LIVE"}},
	{name: "an escaped name", lines: []string{"gosession%69d=LIVE"}},
	{name: "a path", lines: []string{"gosessionid=../../LIVE"}},
	{name: "upper case", lines: []string{"gosessionid=" + strings.Repeat("AB", 16)}},
}

func TestHostileCookiesAreTheSameOnBothStacks(t *testing.T) {
	type server struct{ name, address string }
	var servers []server
	for _, st := range append(slices.Clone(stacks), stack{"fasthttp, after the application has read a cookie", serveCurious}) {
		for _, by := range []way{byHandler, byStart} {
			m := newManager(t, quiet)
			ann(t, m)
			servers = append(servers, server{st.name + ", " + string(by), st.serve(t, m, by, pages{"": func(c *call) (string, error) {
				s, err := c.session()
				if err != nil {
					return "", err
				}
				_, err = s.Increment(c.ctx, "visits", 1)
				return fmt.Sprint(s.Get(c.ctx, "user")), err
			}})})
		}
	}
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			head := []string{"GET / HTTP/1.1", "Host: x", "Connection: close"}
			for _, line := range tt.lines {
				head = append(head, "Cookie: "+strings.ReplaceAll(line, "LIVE", annSID))
			}
			want := "<nil>"
			if tt.ann {
				want = "ann"
			}
			for _, server := range servers {
				status, body := rawhttp.Exchange(t, server.address, strings.Join(head, "\r\n")+"\r\n\r\n")
				switch {
				case tt.refused:
					if status < 400 || status > 499 {
						t.Errorf("%s: status %d, %s", server.name, status, body)
					}
				case status != http.StatusOK || body != want:
					t.Errorf("%s: status %d, the session is %s's, want %s's", server.name, status, body, want)
				}
			}
		})
	}
}

// ann begins ann's session.
func ann(t testing.TB, m *session.Manager) {
	t.Helper()
	s, err := m.GetProvider().SessionRead(t.Context(), annSID)
	if err == nil {
		err = s.Set(t.Context(), "user", "ann")
	}
	if err != nil {
		t.Fatal(err)
	}
	s.SessionRelease(t.Context(), nil)
}

// annSID is the sid of ann's session.
const annSID = "0123456789abcdef0123456789abcdef"

// serveCurious serves an application that looks at the cookies itself before it asks for its session: fasthttp then
// has them in another form.
func serveCurious(t testing.TB, m *session.Manager, by way, site pages) string {
	h := fastHandler(m, by, site)
	address, _ := serveFastHandler(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.Request.Header.Cookie("theme")
		h(ctx)
	}})
	return address
}
