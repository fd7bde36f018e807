package sessionbeego_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/beego/beego/v2/core/logs"
	"github.com/beego/beego/v2/server/web"
	beegocontext "github.com/beego/beego/v2/server/web/context"

	"github.com/seed1a8f7c28/session"
	sessionbeego "github.com/seed1a8f7c28/session/contrib/beego"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	_ "github.com/seed1a8f7c28/session/memory"
	_ "github.com/seed1a8f7c28/session/redis"
)

func TestMain(m *testing.M) {
	web.GlobalSessions = sessionbeego.GlobalSessions()
	web.BConfig.RunMode = web.PROD
	logs.SetLevel(logs.LevelEmergency)
	servertest.Main(m)
}

// A site is an application with the controller below, and its visitors.
type site struct {
	*httptest.Server
	m *session.Manager
}

func newSite(t testing.TB, m *session.Manager, more ...func(r *web.ControllerRegister)) *site {
	t.Helper()
	r := web.NewControllerRegister()
	r.InsertFilterChain("/*", sessionbeego.FilterChain(m))
	for _, add := range more {
		add(r)
	}
	for _, method := range []string{
		"Show", "Set", "Add", "Del", "Login", "Destroy", "Again", "Stream", "Panic", "Abort", "Stop", "Typed",
	} {
		r.Add("/"+strings.ToLower(method), &controller{}, web.WithRouterMethods(&controller{}, "*:"+method))
	}
	r.Init()
	s := &site{httptest.NewServer(r), m}
	t.Cleanup(s.Close)
	return s
}

func newManager(t testing.TB, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	m, err := session.NewManager("memory", session.NewManagerConfig(opts...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// controller is as one for beego's own sessions.
type controller struct{ web.Controller }

func (c *controller) say(v any) { c.Ctx.WriteString(fmt.Sprint(v)) }

func (c *controller) Show() {
	c.say(c.GetSession("user"))
	if in := c.Ctx.Input.Session("user"); in != c.GetSession("user") {
		c.say(fmt.Sprint(", but Input.Session ", in))
	}
}

func (c *controller) Set() {
	if err := c.SetSession("user", c.GetString("user")); err != nil {
		c.say(err)
	}
}

func (c *controller) Add() {
	s, err := sessionbeego.Session(c.Ctx)
	if err == nil {
		_, err = s.Increment(c.Ctx.Request.Context(), "n", 1)
	}
	if err == nil {
		err = c.SetSession(c.GetString("own"), true)
	}
	c.say(err)
}

func (c *controller) Del() { c.say(c.DelSession("user")) }

func (c *controller) Login() {
	err := c.SetSession("user", c.GetString("user"))
	if err == nil {
		err = c.SessionRegenerateID()
	}
	if err == nil {
		err = c.SetSession("after", "regenerate")
	}
	c.say(err)
}

func (c *controller) Destroy() { c.say(c.DestroySession()) }

// Again begins a session after it has ended one.
func (c *controller) Again() {
	store := c.StartSession()
	if err := c.DestroySession(); err != nil {
		c.say(err)
	}
	if _, err := c.Ctx.Session(); err == nil {
		c.say("a session is left")
	}
	c.say(store.Set(c.Ctx.Request.Context(), "user", "again"))
}

// Stream changes the session before and after the response header is sent.
func (c *controller) Stream() {
	c.SetSession("user", "before")
	c.Ctx.ResponseWriter.WriteHeader(http.StatusAccepted)
	c.Ctx.ResponseWriter.Flush()
	c.SetSession("late", true)
	c.Ctx.ResponseWriter.Write([]byte("streamed"))
}

func (c *controller) Panic() {
	c.SetSession("user", "panicked")
	panic("of the test")
}

func (c *controller) Abort() {
	c.SetSession("user", "aborted")
	c.Controller.Abort("401")
}

func (c *controller) Stop() {
	c.SetSession("user", "stopped")
	c.Ctx.WriteString("stop")
	c.StopRun()
}

func (c *controller) Typed() {
	s, err := sessionbeego.Session(c.Ctx)
	if err == nil {
		c.say(s.GetIntDefault(c.Ctx.Request.Context(), "n", -1))
	}
}

// A visitor keeps cookies as a browser does.
type visitor struct {
	t    testing.TB
	site *site
	http.Client
}

func (s *site) visitor(t testing.TB) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, s, http.Client{Jar: jar}}
}

// get returns what is answered.
func (v *visitor) get(path string) (status int, body string, header http.Header) {
	v.t.Helper()
	r, err := v.Get(v.site.URL + path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return r.StatusCode, string(text), r.Header
}

func (v *visitor) want(path, body string) http.Header {
	v.t.Helper()
	status, got, header := v.get(path)
	if got != body {
		v.t.Errorf("%s: %d %q, want %q", path, status, got, body)
	}
	return header
}

// sid is the cookie's.
func (v *visitor) sid() string {
	r, _ := http.NewRequest("GET", v.site.URL, nil)
	for _, c := range v.Jar.Cookies(r.URL) {
		if c.Name == "gosessionid" {
			return c.Value
		}
	}
	return ""
}

func TestControllers(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	v, other := site.visitor(t), site.visitor(t)
	if h := v.want("/show", "<nil>"); h.Get("Set-Cookie") != "" || m.GetActiveSession() != 0 {
		t.Error("a mere visit has begun a session")
	}
	if h := v.want("/set?user=ann", ""); len(h.Values("Set-Cookie")) != 1 || !strings.HasPrefix(h.Get("Set-Cookie"), "gosessionid=") {
		t.Errorf("cookies %q, want the session's", h.Values("Set-Cookie"))
	}
	v.want("/show", "ann")
	other.want("/show", "<nil>")

	before := v.sid()
	v.want("/login?user=eve", "<nil>")
	if v.sid() == before || v.sid() == "" {
		t.Error("SessionRegenerateID made no other sid")
	}
	if _, err := m.GetSessionStore(before); err == nil {
		t.Error("the old sid still has a session")
	}
	v.want("/show", "eve")
	s, err := m.GetSessionStore(v.sid())
	if err != nil || s.Get(t.Context(), "after") != "regenerate" {
		t.Errorf("after SessionRegenerateID: %v", err)
	}
	v.want("/del", "<nil>")
	v.want("/show", "<nil>")

	old := v.sid()
	v.want("/set?user=ann", "")
	v.want("/destroy", "<nil>")
	if v.sid() != "" {
		t.Error("DestroySession left the cookie")
	}
	if _, err := m.GetSessionStore(old); err == nil {
		t.Error("DestroySession left the session")
	}
	other.want("/destroy", "<nil>")
	other.want("/login?user=new", "<nil>") // of a session that began with the request
	other.want("/show", "new")
	v.want("/set?user=ann", "")
	v.want("/again", "<nil>")
	v.want("/show", "again")
	if n := m.GetActiveSession(); n != 2 {
		t.Errorf("%d sessions, want 2", n)
	}
}

func TestHeaderSentEarly(t *testing.T) {
	m := newManager(t)
	v := newSite(t, m).visitor(t)
	status, body, header := v.get("/stream")
	if status != http.StatusAccepted || body != "streamed" || header.Get("Set-Cookie") == "" {
		t.Errorf("%d %q %v", status, body, header)
	}
	s, err := m.GetSessionStore(v.sid())
	if err != nil || s.Get(t.Context(), "user") != "before" || s.Get(t.Context(), "late") != true {
		t.Errorf("not all changes are stored: %v", err)
	}
}

// TestPanics checks what docs/beego.md says: beego makes its page for the panic within the filter chain.
func TestPanics(t *testing.T) {
	v := newSite(t, newManager(t)).visitor(t)
	for path, user := range map[string]string{"/panic": "panicked", "/abort": "aborted", "/stop": "stopped"} {
		v.get(path)
		v.want("/show", user)
	}
}

// TestConcurrent has many requests of one session at a time: each change stays, and each Increment counts.
func TestConcurrent(t *testing.T) {
	v := newSite(t, newManager(t)).visitor(t)
	v.want("/set?user=ann", "")
	const workers, each = 8, 25
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for n := range each {
				v.want(fmt.Sprintf("/add?own=%d-%d", i, n), "<nil>")
			}
		})
	}
	wg.Wait()
	v.want("/typed", fmt.Sprint(workers*each))
	s, err := v.site.m.GetSessionStore(v.sid())
	if err != nil {
		t.Fatal(err)
	}
	for i := range workers {
		for n := range each {
			if s.Get(t.Context(), fmt.Sprintf("%d-%d", i, n)) != true {
				t.Errorf("change %d of %d is lost", n, i)
			}
		}
	}
}

// TestForged sends the cookie that names a request.
func TestForged(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	v := site.visitor(t)
	v.want("/set?user=ann", "")
	for path, want := range map[string]string{"/destroy": "<nil>", "/login?user=eve": "<nil>", "/show": "<nil>"} {
		r, _ := http.NewRequest("GET", site.URL+path, nil)
		r.Header.Set("Cookie", "session-of-this-request=x; session-of-this-request="+v.sid())
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if string(body) != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", path, body, err, want)
		}
	}
	v.want("/show", "ann")
}

// TestWithoutFilter checks that a request that came another way is an error and no panic.
func TestWithoutFilter(t *testing.T) {
	w := httptest.NewRecorder()
	ctx := beegocontext.NewContext()
	ctx.Reset(w, httptest.NewRequest("GET", "/", nil))
	if _, err := sessionbeego.Session(ctx); err == nil {
		t.Error("Session succeeded")
	}
	if _, err := web.GlobalSessions.SessionStart(w, ctx.Request); err == nil {
		t.Error("SessionStart succeeded")
	}
	if _, err := web.GlobalSessions.SessionRegenerateID(w, ctx.Request); err == nil {
		t.Error("SessionRegenerateID succeeded")
	}
	web.GlobalSessions.SessionDestroy(w, ctx.Request)
	if len(w.Header()) != 0 {
		t.Errorf("headers %v", w.Header())
	}
}

// TestSessionOn leaves SessionOn as it was: beego then starts and releases the session as well.
func TestSessionOn(t *testing.T) {
	cfg := *web.BConfig
	cfg.WebConfig.Session.SessionOn = true
	m := newManager(t)
	app := web.NewHttpServerWithCfg(&cfg)
	app.InsertFilterChain("/*", sessionbeego.FilterChain(m))
	app.Any("/set", func(ctx *beegocontext.Context) { ctx.Output.Session("user", "ann") })
	app.Any("/show", func(ctx *beegocontext.Context) { ctx.WriteString(fmt.Sprint(ctx.Input.Session("user"))) })
	app.Any("/sid", func(ctx *beegocontext.Context) {
		ctx.WriteString(ctx.Input.CruSession.SessionID(ctx.Request.Context()))
	})
	app.Handlers.Init()
	server := httptest.NewServer(app.Handlers)
	defer server.Close()
	v := (&site{server, m}).visitor(t)
	v.want("/show", "<nil>")
	v.want("/sid", "")
	v.want("/set", "")
	v.want("/show", "ann")
	v.want("/sid", v.sid())
	if n := m.GetActiveSession(); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}

// TestOutage checks that nobody is logged out while the store is down.
func TestOutage(t *testing.T) {
	proxy := servertest.NewProxy(t, servertest.Redis(t).Addr)
	m, err := session.NewManager("redis", session.NewManagerConfig(
		session.CfgProviderConfig(proxy.Addr),
		session.CfgLogger(slog.New(slog.DiscardHandler))))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	v := newSite(t, m).visitor(t)
	v.want("/set?user=ann", "")
	sid := v.sid()
	proxy.Refuse(true)
	proxy.Reset()
	for _, path := range []string{"/show", "/set?user=eve", "/destroy"} {
		status, _, header := v.get(path)
		if status != http.StatusServiceUnavailable || header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, cookie %q", path, status, header.Get("Set-Cookie"))
		}
	}
	proxy.Refuse(false)
	v.want("/show", "ann")
	if v.sid() != sid {
		t.Error("the sid has changed")
	}
}
