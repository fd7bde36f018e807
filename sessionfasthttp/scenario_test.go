package sessionfasthttp_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/cookie"
)

// A scenario is a story that must come out the same on every stack, header for header.
type scenario struct {
	name     string
	opts     []session.ManagerConfigOpt
	inClient bool // with the cookie provider
	play     func(s *stage)
}

// A stage is where a scenario is played.
type stage struct {
	*site
	m       *session.Manager
	waiting chan struct{} // a visit of /hold says that it has loaded its session
	goOn    chan struct{} // and waits for this
}

var scenarios = []scenario{
	{name: "login", play: func(s *stage) {
		b := s.browser("ann")
		b.want("/get/cart", "<nil>")
		b.want("/set/cart", "ok")
		old := b.tab("thief")
		b.want("/login/ann", "ann")
		b.want("/get/cart", "1")
		b.want("/user", "ann")
		old.want("/get/cart", "<nil>")
		old.want("/user", "")
		b.want("/logout", "ok")
		b.want("/user", "")
	}},
	{name: "two tabs", play: func(s *stage) {
		one := s.browser("one")
		one.want("/set/cart", "ok")
		two := one.tab("two")
		done := make(chan struct{})
		go func() {
			defer close(done)
			one.want("/hold/color", "ok")
		}()
		<-s.waiting
		two.want("/add/visits", "1")
		two.want("/set/size", "ok")
		two.want("/get/color", "<nil>")
		s.goOn <- struct{}{}
		<-done
		for _, key := range []string{"cart", "color", "size"} {
			two.want("/get/"+key, "1")
		}
		one.want("/add/visits", "2")
	}},
	{name: "logout elsewhere", play: func(s *stage) {
		one := s.browser("one")
		one.want("/set/cart", "ok")
		two := one.tab("two")
		done := make(chan struct{})
		go func() {
			defer close(done)
			one.want("/hold/color", "ok")
		}()
		<-s.waiting
		two.want("/destroy", "ok")
		s.goOn <- struct{}{}
		<-done
		one.want("/get/cart", "<nil>")
		one.want("/get/color", "<nil>")
	}},
	{name: "save after a logout elsewhere", play: func(s *stage) {
		one := s.browser("one")
		one.want("/set/cart", "ok")
		two := one.tab("two")
		done := make(chan struct{})
		go func() {
			defer close(done)
			one.want("/holdsave/color", session.ErrDestroyed.Error())
		}()
		<-s.waiting
		two.want("/destroy", "ok")
		s.goOn <- struct{}{}
		<-done
	}},
	{name: "limit", opts: []session.ManagerConfigOpt{session.CfgMaxPerUser(2)}, play: func(s *stage) {
		var phones []*browser
		for _, name := range []string{"one", "two", "three"} {
			b := s.browser(name)
			b.want("/login/ann", "ann")
			time.Sleep(5 * time.Millisecond) // two logins of one millisecond are in no order
			phones = append(phones, b)
		}
		phones[0].want("/user", "")
		phones[1].want("/user", "ann")
		phones[2].want("/user", "ann")
		phones[1].want("/login/ann", "ann")
		phones[2].want("/user", "ann")
	}},
	{name: "limit, refusing", opts: []session.ManagerConfigOpt{session.CfgMaxPerUser(1), session.CfgOnLimit("refuse")}, play: func(s *stage) {
		one, two := s.browser("one"), s.browser("two")
		one.want("/login/ann", "ann")
		two.want("/login/ann", "session: login: "+session.ErrTooManySessions.Error())
		one.want("/user", "ann")
		two.want("/user", "")
	}},
	{name: "header sid", opts: headerSid, play: func(s *stage) {
		b := s.browser("app")
		b.want("/set/cart", "ok")
		b.cookie = "" // it has the header, too
		b.want("/get/cart", "1")
		old := b.tab("thief")
		b.want("/login/ann", "ann")
		b.want("/get/cart", "1")
		old.want("/get/cart", "<nil>")
		b.want("/destroy", "ok")
		b.want("/get/cart", "<nil>")
	}},
	{name: "header sid in two lines", opts: headerSid, play: func(s *stage) {
		b := s.browser("app")
		b.want("/set/cart", "ok")
		b.cookie = ""
		b.header["X-Sid"] = []string{b.header.Get("X-Sid"), strings.Repeat("0", 32)}
		b.want("/get/cart", "<nil>")
	}},
	{name: "query sid", opts: []session.ManagerConfigOpt{session.CfgEnableSidInURLQuery(true)}, play: func(s *stage) {
		b := s.browser("ann")
		b.want("/set/cart", "ok")
		b.query, b.cookie = "a=1&gosessionid="+b.cookie+"&b=2", ""
		b.want("/get/cart", "1")
		if b.cookie != "" {
			s.t.Error("a sid in the query has become a cookie")
		}
		old := b.tab("old link")
		b.want("/login/ann", "ann")
		if b.cookie == "" {
			s.t.Error("the new sid is answered nowhere")
		}
		b.want("/get/cart", "1")
		old.want("/get/cart", "<nil>")
	}},
	{name: "another site", play: func(s *stage) {
		b := s.browser("ann")
		b.header.Set("Sec-Fetch-Site", "cross-site")
		b.header.Set("Sec-Fetch-Mode", "navigate")
		b.header.Set("Sec-Fetch-Dest", "document")
		for _, method := range []string{"POST", "PUT"} {
			b.method = method
			b.want("/get/cart", "<nil>")
			if b.cookie != "" {
				s.t.Errorf("a %s of another site is answered with a cookie", method)
			}
		}
		b.want("/login/ann", "ann")
		b.want("/user", "ann")
		link := s.browser("link")
		link.header = b.header.Clone()
		link.want("/set/cart", "ok")
		link.want("/get/cart", "1")
	}},
	{name: "lazy", opts: []session.ManagerConfigOpt{session.CfgLazy(true)}, play: func(s *stage) {
		b := s.browser("ann")
		b.want("/get/cart", "<nil>")
		b.want("/regenerate", "ok")
		if b.cookie != "" {
			s.t.Error("a cookie although nothing is stored")
		}
		b.want("/set/cart", "ok")
		b.want("/get/cart", "1")
	}},
	{name: "regenerate in the middle of a request", play: func(s *stage) {
		b := s.browser("ann")
		b.want("/set/cart", "ok")
		old := b.tab("thief")
		b.want("/both/color", "ok")
		b.want("/get/before", "1")
		b.want("/get/color", "1")
		b.want("/get/after", "1")
		old.want("/get/cart", "<nil>")
	}},
	{name: "flash after a redirect", play: func(s *stage) {
		b := s.browser("ann")
		b.want("/flash/saved", "ok")
		b.want("/flash/sent", "ok")
		b.want("/flashes", "[saved sent]")
		b.want("/flashes", "[]")
	}},
	{name: "remember me", play: func(s *stage) {
		b := s.browser("ann")
		b.want("/login/ann", "ann")
		b.want("/remember", "ok") // a cookie with Max-Age
		b.want("/user", "ann")
		b.want("/logout", "ok")
	}},
	{name: "deadlines", opts: []session.ManagerConfigOpt{session.CfgCookieLifeTime(600)}, play: func(s *stage) {
		b := s.browser("ann")
		b.want("/set/cart", "ok")
		b.want("/shift", "ok")
		b.want("/update/1h", "ok")
		b.want("/get/cart", "1")
		b.want("/update/300ms", "ok")
		time.Sleep(400 * time.Millisecond)
		b.want("/get/cart", "<nil>")
	}},
	{name: "destroy and begin again", play: func(s *stage) {
		b := s.browser("ann")
		b.want("/set/cart", "ok")
		b.want("/anew/color", "ok")
		b.want("/get/cart", "<nil>")
		b.want("/get/color", "1")
	}},
	{name: "in the cookie", inClient: true, play: func(s *stage) {
		b := s.browser("ann")
		b.want("/set/cart", "ok")
		b.want("/login/ann", "ann")
		b.want("/both/color", "ok")
		b.want("/get/before", "1")
		b.want("/get/color", "1")
		b.want("/user", "ann")
		b.want("/anew/size", "ok")
		b.want("/get/color", "<nil>")
		b.want("/get/size", "1")
		b.want("/logout", "ok")
		b.want("/user", "")
	}},
	{name: "in the cookie, lazy", inClient: true, opts: []session.ManagerConfigOpt{session.CfgLazy(true)}, play: func(s *stage) {
		b := s.browser("ann")
		b.want("/get/cart", "<nil>")
		b.want("/set/cart", "ok")
		b.want("/add/visits", "1")
		b.want("/add/visits", "2")
		b.want("/get/cart", "1")
	}},
	{name: "a cookie for a while", opts: []session.ManagerConfigOpt{session.CfgCookieLifeTime(600), session.CfgTouchInterval(-1)}, play: func(s *stage) {
		b := s.browser("ann")
		b.want("/set/cart", "ok")
		time.Sleep(10 * time.Millisecond) // less than a millisecond later it is not renewed
		b.want("/get/cart", "1")
	}},
	{name: "attributes by the request", opts: []session.ManagerConfigOpt{session.CfgCookieAttributes(byHost)}, play: func(s *stage) {
		b := s.browser("ann")
		b.want("/set/cart", "ok")
		b.want("/resend", "ok")
		b.want("/get/cart", "1")
		b.want("/logout", "ok")
	}},
	{name: "a deadline at once", opts: []session.ManagerConfigOpt{session.CfgLazy(true)}, play: func(s *stage) {
		b := s.browser("ann")
		b.want("/begin/5h", "5h0m0s")
		b.want("/reload", "5h0m0s")
	}},
}

func byHost(x session.Exchange, c *http.Cookie) {
	if host := x.RequestHeader("Host"); len(host) == 1 && strings.Contains(host[0], ":") {
		c.HttpOnly, c.SameSite, c.MaxAge = false, http.SameSiteStrictMode, 60
	}
}

var headerSid = []session.ManagerConfigOpt{
	session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Sid"),
}

// app is what every scenario plays with.
func (s *stage) app() pages {
	with := func(do func(c *call, sess *session.Session) (string, error)) page {
		return func(c *call) (string, error) {
			sess, err := c.session()
			if err != nil {
				return "", err
			}
			return do(c, sess)
		}
	}
	ok := func(errs ...error) (string, error) { return "ok", errors.Join(errs...) }
	hold := func(c *call, sess *session.Session) error {
		sess.Get(c.ctx, c.arg)
		s.waiting <- struct{}{}
		<-s.goOn
		return sess.Set(c.ctx, c.arg, 1)
	}
	return pages{
		"get": with(func(c *call, sess *session.Session) (string, error) { return fmt.Sprint(sess.Get(c.ctx, c.arg)), nil }),
		"set": with(func(c *call, sess *session.Session) (string, error) { return ok(sess.Set(c.ctx, c.arg, 1)) }),
		"add": with(func(c *call, sess *session.Session) (string, error) {
			n, err := sess.Increment(c.ctx, c.arg, 1)
			return fmt.Sprint(n), err
		}),
		"hold": with(func(c *call, sess *session.Session) (string, error) { return ok(hold(c, sess)) }),
		"holdsave": with(func(c *call, sess *session.Session) (string, error) {
			return ok(hold(c, sess), sess.Save(c.ctx))
		}),
		"user": with(func(_ *call, sess *session.Session) (string, error) { return sess.User(), nil }),
		"login": with(func(c *call, sess *session.Session) (string, error) {
			err := sess.Login(c.ctx, c.arg)
			return sess.User(), err
		}),
		"flash": with(func(c *call, sess *session.Session) (string, error) { return ok(sess.AddFlash(c.ctx, c.arg)) }),
		"flashes": with(func(c *call, sess *session.Session) (string, error) {
			messages, err := sess.Flashes(c.ctx)
			return fmt.Sprint(messages), err
		}),
		"remember": with(func(c *call, sess *session.Session) (string, error) { return ok(sess.RememberMe(c.ctx, 24*time.Hour)) }),
		"resend":   with(func(c *call, sess *session.Session) (string, error) { return ok(sess.SendCookie(c.ctx)) }),
		"reload": with(func(c *call, sess *session.Session) (string, error) {
			err := sess.Reload(c.ctx)
			return time.Until(sess.Expires()).Round(time.Hour).String(), err
		}),
		"begin": with(func(c *call, sess *session.Session) (string, error) {
			d, err := time.ParseDuration(c.arg)
			err = errors.Join(err, sess.Set(c.ctx, "k", 1), c.update(d), sess.Reload(c.ctx))
			return time.Until(sess.Expires()).Round(time.Hour).String(), err
		}),
		"shift": func(c *call) (string, error) { return ok(c.shift()) },
		"update": func(c *call) (string, error) {
			d, err := time.ParseDuration(c.arg)
			return ok(err, c.update(d))
		},
		"logout":     with(func(c *call, sess *session.Session) (string, error) { return ok(sess.Logout(c.ctx, "cache")) }),
		"destroy":    func(c *call) (string, error) { return ok(c.destroy()) },
		"regenerate": func(c *call) (string, error) { _, err := c.regenerate(); return ok(err) },
		"both": with(func(c *call, old *session.Session) (string, error) {
			before := old.Set(c.ctx, "before", 1)
			sess, err := c.regenerate()
			if err != nil {
				return "", err
			}
			return ok(before, sess.Set(c.ctx, c.arg, 1), old.Set(c.ctx, "after", 1))
		}),
		"anew": with(func(c *call, old *session.Session) (string, error) {
			if err := c.destroy(); err != nil {
				return "", err
			}
			sess, err := c.session()
			if err != nil {
				return "", err
			}
			return ok(sess.Set(c.ctx, c.arg, 1))
		}),
	}
}

func TestScenariosAreTheSameOnBothStacks(t *testing.T) {
	for _, sc := range scenarios {
		for _, by := range []way{byHandler, byStart} {
			t.Run(sc.name+"/"+string(by), func(t *testing.T) {
				t.Parallel()
				var logs [][]string
				for _, st := range stacks {
					s := &stage{
						site: &site{t: t}, waiting: make(chan struct{}), goOn: make(chan struct{}),
					}
					if s.m = newManager(t, append(slices.Clone(sc.opts), quiet)...); sc.inClient {
						s.m = newNode(t, cookie.New(), append(slices.Clone(sc.opts), quiet, sealed)...)
					}
					s.address = st.serve(t, s.m, by, s.app())
					sc.play(s)
					logs = append(logs, s.log)
				}
				for i, line := range logs[0] {
					if i >= len(logs[1]) || withoutTime(line) != withoutTime(logs[1][i]) {
						t.Fatalf("line %d differs:\n%s: %q\n%s: %q", i, stacks[0].name, logs[0], stacks[1].name, logs[1])
					}
				}
				if testing.Verbose() {
					t.Log(strings.Join(logs[1], "\n"))
				}
			})
		}
	}
}

// withoutTime cuts what is the time of day.
func withoutTime(line string) string {
	before, rest, found := strings.Cut(line, "Expires=")
	if !found {
		return line
	}
	_, rest, _ = strings.Cut(rest, "GMT")
	return before + rest
}

// quiet keeps expected errors out of the tests' output.
func quiet(c *session.ManagerConfig) { c.Logger = slog.New(slog.DiscardHandler) }

func sealed(c *session.ManagerConfig) {
	c.ProviderConfig = `{"securityKey": "0123456789abcdef0123456789abcdef"}`
}
