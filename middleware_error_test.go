package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// recovering is a middleware that answers a panic, as applications put one outside of everything.
func recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				http.Error(w, fmt.Sprint("recovered: ", p), http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func TestAPanicSavesNothing(t *testing.T) {
	for _, tt := range []struct {
		name      string
		visitor   bool
		do        func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session)
		cookie    bool // the client gets a new one
		committed bool // the answer is not the recovery's
		want      map[string]any
	}{
		{name: "a visitor", visitor: true, do: func(t *testing.T, _ *session.Manager, _ http.ResponseWriter, _ *http.Request, s *session.Session) {
			set(t, s, "a", 1)
		}},
		{name: "a change", want: map[string]any{"cart": "book", "a": nil}, do: func(t *testing.T, _ *session.Manager, _ http.ResponseWriter, _ *http.Request, s *session.Session) {
			set(t, s, "a", 1)
		}},
		{name: "an explicit save before", want: map[string]any{"a": 1, "b": nil}, do: func(t *testing.T, _ *session.Manager, _ http.ResponseWriter, _ *http.Request, s *session.Session) {
			set(t, s, "a", 1)
			save(t, s)
			set(t, s, "b", 2)
		}},
		{name: "after Regenerate", cookie: true, want: map[string]any{"cart": "book", "a": 1, "b": nil}, do: func(t *testing.T, _ *session.Manager, _ http.ResponseWriter, r *http.Request, s *session.Session) {
			set(t, s, "a", 1)
			if err := s.Regenerate(r.Context()); err != nil {
				t.Error(err)
			}
			set(t, s, "b", 2)
		}},
		{name: "after Start of a visitor", visitor: true, cookie: true, want: map[string]any{"a": nil}, do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, s *session.Session) {
			set(t, start(t, m, w, r), "a", 1)
		}},
		{name: "after Destroy", cookie: true, do: func(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, _ *session.Session) {
			m.SessionDestroy(w, r)
		}},
		{name: "after the first byte", committed: true, want: map[string]any{"a": 1, "b": nil}, do: func(t *testing.T, _ *session.Manager, w http.ResponseWriter, _ *http.Request, s *session.Session) {
			set(t, s, "a", 1)
			fmt.Fprint(w, "hello")
			set(t, s, "b", 2)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, protocol string) {
				var got reports
				m := newManager(t, got.options()...)
				c := new(client)
				if !tt.visitor {
					c = seed(t, m, map[any]any{"cart": "book"})
				}
				before := c.cookie
				srv := serve(t, protocol, recovering(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tt.do(t, m, w, r, current(t, m, r))
					panic("a defect")
				}))))
				res, body := c.fetch(t, srv, "GET")
				if (res.StatusCode == http.StatusOK) != tt.committed || !strings.HasSuffix(body, "recovered: a defect\n") {
					t.Errorf("status %d, body %q", res.StatusCode, body)
				}
				if lines := res.Header["Set-Cookie"]; len(lines) == 1 != tt.cookie || len(lines) > 1 || (c.cookie != before) != tt.cookie {
					t.Errorf("Set-Cookie = %q", lines)
				}
				for key, want := range tt.want {
					if got := c.value(t, m, key); got != want {
						t.Errorf("%s = %v", key, got)
					}
				}
				if n := m.GetActiveSession(); len(tt.want) == 0 && n != 0 {
					t.Errorf("%d records", n)
				}
				got.silentSoFar(t)
			})
		})
	}
}

func TestAnAbortedHandlerSavesNothing(t *testing.T) {
	for name, abort := range map[string]func(){
		"ErrAbortHandler": func() { panic(http.ErrAbortHandler) },
		"Goexit":          runtime.Goexit,
		"panic":           func() { panic("a defect") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t)
			m := newNode(t, f.provider())
			c := seed(t, m, nil)
			srv := serve(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				set(t, current(t, m, r), "a", 1)
				abort()
			})))
			for _, c := range []*client{c, {}} {
				r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Cookie", c.cookie)
				if res, err := srv.Client().Do(r); err == nil {
					res.Body.Close()
					t.Errorf("answered: %v", res)
				}
			}
			if got := c.value(t, m, "a"); got != nil || f.records(t) != 1 {
				t.Errorf("a = %v, %d records", got, f.records(t))
			}
		})
	}
}

func TestAnErrorAnswerSaves(t *testing.T) {
	m := newManager(t)
	c := new(client)
	res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set(t, current(t, m, r), "tries", 1)
		http.Error(w, "failed", http.StatusInternalServerError)
	})).ServeHTTP)
	if res.StatusCode != http.StatusInternalServerError || c.value(t, m, "tries") != 1 {
		t.Errorf("status %d, tries = %v", res.StatusCode, c.value(t, m, "tries"))
	}
}

func TestAFailedLoadIsFromContextsError(t *testing.T) {
	for _, how := range []fault{refused, silent} {
		t.Run(string(how), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got reports
				f := newFaulty(t)
				m := newNode(t, f.provider(), append(got.options(), session.CfgOpTimeout(time.Second))...)
				c := seed(t, m, map[any]any{"cart": "book"})
				cookie := c.cookie
				f.down(how)
				began := time.Now()
				res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					for range 3 { // the store is asked once
						if s, err := m.FromContext(r.Context()); err == nil || errors.Is(err, session.ErrNotFound) {
							t.Errorf("FromContext = %v, %v", s, err)
						}
					}
					if s, err := m.Start(w, r); err == nil {
						t.Errorf("Start = %v", s)
					}
					if s, err := m.Regenerate(w, r); err == nil {
						t.Errorf("Regenerate = %v", s)
					}
					if ops := fmt.Sprint(f.ops()); ops != "[load]" {
						t.Errorf("calls: %v", ops)
					}
					http.Error(w, "try again", http.StatusServiceUnavailable)
				})).ServeHTTP)
				if took := time.Since(began); took > time.Second {
					t.Errorf("took %v", took)
				}
				if res.StatusCode != http.StatusServiceUnavailable || res.Header["Set-Cookie"] != nil {
					t.Errorf("status %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
				}
				f.heal()
				if c.cookie != cookie || c.value(t, m, "cart") != "book" {
					t.Error("the session is lost")
				}
				got.silentSoFar(t)
			})
		})
	}
}

func TestDestroyWorksAfterAFailedLoad(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, nil)
	f.plan(1, refused)
	c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := m.FromContext(r.Context()); err == nil {
			t.Error("FromContext: no error")
		}
		if err := m.Destroy(w, r); err != nil {
			t.Error(err)
		}
		if s := current(t, m, r); s.Get(r.Context(), "cart") != nil {
			t.Error("it is still there")
		}
	})).ServeHTTP)
	if c.cookie != "" || f.records(t) != 0 {
		t.Error("not destroyed")
	}
}

// TestAnImpatientCallerSpoilsNothing has one goroutine give up loading. Another one can still load.
func TestAnImpatientCallerSpoilsNothing(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, map[any]any{"cart": "book"})
	f.plan(1, silent)
	c.do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		impatient, cancel := context.WithTimeout(r.Context(), time.Millisecond)
		defer cancel()
		if _, err := m.FromContext(impatient); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("FromContext = %v", err)
		}
		if got := current(t, m, r).Get(r.Context(), "cart"); got != "book" {
			t.Errorf("cart = %v", got)
		}
	})).ServeHTTP)
}

// failures are the ways in which the save before the headers can fail, and what is stored afterwards.
var failures = []struct {
	name    string
	visitor bool
	prepare func(t *testing.T, f *faulty, s *session.Session)
	want    error
}{
	{name: "create", visitor: true, want: errDown, prepare: func(t *testing.T, f *faulty, s *session.Session) {
		set(t, s, "a", 1)
		f.down(refused)
	}},
	{name: "save", want: errDown, prepare: func(t *testing.T, f *faulty, s *session.Session) {
		set(t, s, "a", 1)
		f.down(refused)
	}},
	{name: "save without an answer", want: context.DeadlineExceeded, prepare: func(t *testing.T, f *faulty, s *session.Session) {
		set(t, s, "a", 1)
		f.down(silent)
	}},
	{name: "too large", want: session.ErrTooLarge, prepare: func(t *testing.T, _ *faulty, s *session.Session) {
		for i := range 100 {
			set(t, s, i, strings.Repeat("x", 200))
		}
	}},
	{name: "too large, a visitor's", visitor: true, want: session.ErrTooLarge, prepare: func(t *testing.T, _ *faulty, s *session.Session) {
		for i := range 100 {
			set(t, s, i, strings.Repeat("x", 200))
		}
	}},
}

func TestAFailedSaveBeforeTheHeadersIsAnswered(t *testing.T) {
	for _, tt := range failures {
		for _, custom := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/ErrorHandler=%v", tt.name, custom), func(t *testing.T) {
				var log reports
				var handled []error
				f := newFaulty(t)
				opts := append(log.options()[:1], session.CfgMaxBytes(10_000), session.CfgOpTimeout(20*time.Millisecond))
				if custom {
					opts = append(opts, session.CfgErrorHandler(func(w http.ResponseWriter, r *http.Request, err error) {
						if handled = append(handled, err); w == nil || r == nil {
							t.Errorf("ErrorHandler without w or r")
							return
						}
						http.Error(w, "custom: "+r.URL.Path, http.StatusTeapot)
					}))
				}
				m := newNode(t, f.provider(), opts...)
				c := new(client)
				if !tt.visitor {
					c = seed(t, m, map[any]any{"cart": "book"})
				}
				cookie := c.cookie
				srv := serve(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tt.prepare(t, f, current(t, m, r))
					for name, value := range own {
						w.Header().Set(name, value)
					}
					w.Header().Set("X-Frame-Options", "DENY")
					w.WriteHeader(http.StatusSeeOther)
					for range 2 {
						answerInVain(t, w)
					}
				})))
				res, body := c.fetch(t, srv, "GET")
				status, want := http.StatusServiceUnavailable, "Service Unavailable\n"
				if custom {
					status, want = http.StatusTeapot, "custom: /\n"
				}
				if res.StatusCode != status || body != want {
					t.Errorf("status %d, body %q", res.StatusCode, body)
				}
				for name, value := range own {
					if got := res.Header.Get(name); got == value {
						t.Errorf("%s: %s is still there", name, got)
					}
				}
				if res.Header.Get("X-Frame-Options") != "DENY" || res.Header["Set-Cookie"] != nil || c.cookie != cookie {
					t.Errorf("header %v", res.Header)
				}
				if line, _ := log.taken(); strings.Count(line, "save failed") != 1 {
					t.Errorf("logged %q", line)
				}
				if custom && (len(handled) != 1 || !errors.Is(handled[0], tt.want)) {
					t.Errorf("ErrorHandler was given %v", handled)
				}
				f.heal()
				if n := f.records(t); tt.visitor && n != 0 {
					t.Errorf("%d records", n)
				}
				if !tt.visitor && (c.value(t, m, "cart") != "book" || c.value(t, m, "a") != nil) {
					t.Error("the session is not as it was")
				}
			})
		}
	}
}

// own are headers that a handler sets for its own response, wrong with any other.
var own = map[string]string{
	"Content-Length":      "5",
	"Content-Type":        "application/pdf",
	"Content-Encoding":    "gzip",
	"Content-Range":       "bytes 0-4/10",
	"Content-Disposition": "attachment; filename=invoice.pdf",
	"Content-Language":    "de",
	"Location":            "/next",
	"Etag":                `"abc"`,
	"Last-Modified":       "Mon, 02 Jan 2006 15:04:05 GMT",
	"Cache-Control":       "public, max-age=3600",
	"Expires":             "Mon, 02 Jan 2040 15:04:05 GMT",
	"Accept-Ranges":       "bytes",
}

// answerInVain writes to a response that is not the handler's any more.
func answerInVain(t *testing.T, w http.ResponseWriter) {
	if _, err := w.Write([]byte("hello")); err == nil {
		t.Error("Write: no error")
	}
	if _, err := io.WriteString(w, "hello"); err == nil {
		t.Error("WriteString: no error")
	}
	if _, err := io.Copy(w, io.LimitReader(strings.NewReader("hello"), 5)); err == nil {
		t.Error("ReadFrom: no error")
	}
	if err := http.NewResponseController(w).Flush(); err == nil {
		t.Error("Flush: no error")
	}
	if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
		t.Error("Hijack: no error")
	}
	w.WriteHeader(http.StatusEarlyHints)
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
}

// TestEachWayToAnswerNoticesAFailedSave says that no way to begin a response lets it pass as a success.
func TestEachWayToAnswerNoticesAFailedSave(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			f := newFaulty(t)
			var log reports
			m := newNode(t, f.provider(), log.options()[:1]...)
			srv := serve(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				set(t, current(t, m, r), "a", 1)
				f.down(refused)
				_ = tt.do(t, w, r)
			})))
			res, _ := new(client).fetch(t, srv, "GET")
			if res.StatusCode != http.StatusServiceUnavailable || res.Header["Set-Cookie"] != nil {
				t.Errorf("status %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
			}
			if n := f.records(t); n != 0 {
				t.Errorf("%d records", n)
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		f := newFaulty(t)
		var log reports
		m := newNode(t, f.provider(), log.options()[:1]...)
		res := new(client).do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			set(t, current(t, m, r), "a", 1)
			f.down(refused)
		})).ServeHTTP)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header["Set-Cookie"] != nil {
			t.Errorf("status %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
		}
	})
}

// TestAnErrorHandlerNeedNotAnswer because many a one only logs.
func TestAnErrorHandlerNeedNotAnswer(t *testing.T) {
	var got reports
	f := newFaulty(t)
	m := newNode(t, f.provider(), got.options()...)
	res := new(client).do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		set(t, current(t, m, r), "a", 1)
		f.down(refused)
	})).ServeHTTP)
	if _, errs := got.taken(); res.StatusCode != http.StatusServiceUnavailable || len(errs) != 1 || !got.writer {
		t.Errorf("status %d, reported %v", res.StatusCode, errs)
	}
}

// TestHeadersOfAnOuterMiddlewareStay after a failed save: what compresses the response compresses the error, too.
func TestHeadersOfAnOuterMiddlewareStay(t *testing.T) {
	f := newFaulty(t)
	var log reports
	m := newNode(t, f.provider(), log.options()[:1]...)
	h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		set(t, current(t, m, r), "a", 1)
		f.down(refused)
	}))
	w := httptest.NewRecorder()
	w.Header().Set("Content-Encoding", "gzip")
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header().Get("Content-Encoding"); got != "gzip" || w.Code != http.StatusServiceUnavailable {
		t.Errorf("Content-Encoding %q, status %d", got, w.Code)
	}
}

// TestARegeneratedSidIsSentWithTheError because the old one is dead already.
func TestARegeneratedSidIsSentWithTheError(t *testing.T) {
	f := newFaulty(t)
	var log reports
	m := newNode(t, f.provider(), log.options()[:1]...)
	c := seed(t, m, map[any]any{"cart": "book"})
	old := c.sid()
	res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := current(t, m, r)
		if err := s.Regenerate(r.Context()); err != nil {
			t.Fatal(err)
		}
		set(t, s, "a", 1)
		w.Header().Set("Cache-Control", "public")
		f.down(refused)
	})).ServeHTTP)
	f.heal()
	if res.StatusCode != http.StatusServiceUnavailable || c.sid() == old || c.value(t, m, "cart") != "book" {
		t.Errorf("status %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
}

func TestAFailedSaveAfterTheHeadersIsReported(t *testing.T) {
	onBoth(t, func(t *testing.T, protocol string) {
		var got reports
		f := newFaulty(t)
		m := newNode(t, f.provider(), got.options()...)
		c := seed(t, m, map[any]any{"cart": "book"})
		srv := serve(t, protocol, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := current(t, m, r)
			fmt.Fprint(w, "hello")
			set(t, s, "a", 1)
			f.down(refused)
		})))
		res, body := c.fetch(t, srv, "GET")
		srv.Close()
		if res.StatusCode != http.StatusOK || body != "hello" {
			t.Errorf("status %d, body %q", res.StatusCode, body)
		}
		log, errs := got.taken()
		if !strings.Contains(log, "save failed") || len(errs) != 1 || !errors.Is(errs[0], errDown) || got.writer {
			t.Errorf("logged %q, reported %v, with a ResponseWriter: %v", log, errs, got.writer)
		}
		f.heal()
		if c.value(t, m, "cart") != "book" || c.value(t, m, "a") != nil {
			t.Error("the session is not as it was")
		}
	})
}

// TestDestroyedMeanwhileIsReported once, and the response goes on: nothing of the handler's is wrong.
func TestDestroyedMeanwhileIsReported(t *testing.T) {
	for _, tt := range []struct {
		name string
		late bool // the handler has begun its response
		reg  bool // it had regenerated before
		set  bool // it has changed something
	}{
		{name: "before the headers", set: true},
		{name: "after the headers", set: true, late: true},
		{name: "nothing to save"},
		{name: "after Regenerate", set: true, reg: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got reports
			m := newManager(t, append(got.options(), session.CfgCookieLifeTime(600), session.CfgTouchInterval(-1))...)
			c := seed(t, m, nil)
			srv := serve(t, "HTTP/1.1", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := current(t, m, r)
				if tt.reg {
					if err := s.Regenerate(r.Context()); err != nil {
						t.Error(err)
					}
				}
				if tt.late {
					fmt.Fprint(w, "hello")
				}
				if tt.set {
					set(t, s, "a", 1)
				}
				if err := m.GetProvider().SessionDestroy(r.Context(), s.SessionID(r.Context())); err != nil {
					t.Error(err)
				}
				if !tt.late {
					fmt.Fprint(w, "hello")
				}
			})))
			res, body := c.fetch(t, srv, "GET")
			srv.Close()
			if res.StatusCode != http.StatusOK || body != "hello" || !tt.late && res.Header["Set-Cookie"] != nil {
				t.Errorf("status %d, body %q, Set-Cookie %q", res.StatusCode, body, res.Header["Set-Cookie"])
			}
			if n := m.GetActiveSession(); n != 0 {
				t.Errorf("%d records", n)
			}
			log, errs := got.taken()
			if !tt.set {
				if log != "" || len(errs) != 0 {
					t.Errorf("logged %q, reported %v", log, errs)
				}
				return
			}
			if strings.Count(log, "\n") != 1 || len(errs) != 1 || !errors.Is(errs[0], session.ErrDestroyed) || got.writer {
				t.Errorf("logged %q, reported %v, with a ResponseWriter: %v", log, errs, got.writer)
			}
		})
	}
}

// TestAFailedRegenerateLeavesNothingUnderTheOldSid says that what belongs to a login is not stored without one.
func TestAFailedRegenerateLeavesNothingUnderTheOldSid(t *testing.T) {
	var log reports
	f := newFaulty(t)
	m := newNode(t, f.provider(), log.options()[:1]...)
	c := seed(t, m, map[any]any{"cart": "book"})
	f.heal()
	w, r := httptest.NewRecorder(), c.request()
	s := start(t, m, w, r)
	set(t, s, "user", "ann")
	f.plan(1, refused)
	if err := s.Regenerate(r.Context()); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	set(t, s, "role", "admin")
	if err := s.Save(r.Context()); err == nil {
		t.Error("Save: no error")
	}
	s.SessionRelease(r.Context(), w)
	if c.value(t, m, "user") != nil || c.value(t, m, "role") != nil {
		t.Error("logged in under the old sid")
	}
	if err := s.Regenerate(r.Context()); err != nil {
		t.Fatal(err)
	}
	set(t, s, "seen", 1)
	save(t, s)
	if c.take(w.Result()); c.value(t, m, "user") != "ann" || c.value(t, m, "role") != "admin" || c.value(t, m, "seen") != 1 {
		t.Error("a second Regenerate does not store the changes")
	}
}

// TestTimeoutHandler has handlers go on with request and session after http.TimeoutHandler has answered.
func TestTimeoutHandler(t *testing.T) {
	for _, inside := range []bool{false, true} {
		for _, visitor := range []bool{false, true} {
			t.Run(fmt.Sprintf("inside=%v/visitor=%v", inside, visitor), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var got reports
					m := newManager(t, got.options()...)
					c := new(client)
					if !visitor {
						c = seed(t, m, map[any]any{"cart": "book"})
					}
					done := make(chan struct{})
					slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer close(done)
						s := current(t, m, r)
						set(t, s, "a", 1)
						<-r.Context().Done() // while this goes on, the response is committed
						for range 100 {
							_, _ = r.Cookie("theme")
							_ = r.URL.String()
							_ = s.Set(r.Context(), "b", 2)
							_ = s.Get(r.Context(), "a")
							w.Header().Set("X-Late", "1")
						}
						if _, err := m.FromContext(r.Context()); err != nil {
							t.Error(err)
						}
						if err := s.Save(r.Context()); err != nil && !errors.Is(err, session.ErrCommitted) {
							t.Error(err)
						}
						_, _ = w.Write([]byte("late"))
					})
					var h http.Handler
					if inside {
						h = m.Handler(http.TimeoutHandler(slow, time.Second, "timeout"))
					} else {
						h = http.TimeoutHandler(m.Handler(slow), time.Second, "timeout")
					}
					r := c.request()
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					_ = r.Header.Clone() // as an access log would
					res := w.Result()
					<-done
					synctest.Wait()
					if w.Code != http.StatusServiceUnavailable || w.Body.String() != "timeout" || res.Header.Get("X-Late") != "" {
						t.Errorf("status %d, body %q, header %v", w.Code, w.Body, res.Header)
					}
					// TimeoutHandler throws away what is inside of it: outside of it, the session's cookie is sent.
					if c.take(res); (c.cookie != "") != (inside || !visitor) {
						t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
					}
					if c.cookie != "" && c.value(t, m, "a") != 1 {
						t.Error("the change is lost")
					}
					got.silentSoFar(t)
				})
			})
		}
	}
	t.Run("in time", func(t *testing.T) {
		m := newManager(t)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			set(t, current(t, m, r), "a", 1)
			fmt.Fprint(w, "hello")
		})
		for _, h := range []http.Handler{
			m.Handler(http.TimeoutHandler(h, time.Minute, "")),
			http.TimeoutHandler(m.Handler(h), time.Minute, ""),
		} {
			c := new(client)
			if res := c.do(h.ServeHTTP); len(res.Header["Set-Cookie"]) != 1 || c.value(t, m, "a") != 1 {
				t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
			}
		}
	})
}

// rawProvider is a third-party provider that counts what is released.
type rawProvider struct {
	session.Provider
	mu       sync.Mutex
	released int
}

func (p *rawProvider) SessionInit(ctx context.Context, lifetime int64, config string) error {
	return p.Provider.SessionInit(ctx, lifetime, config)
}

func (p *rawProvider) SessionRead(ctx context.Context, sid string) (session.Store, error) {
	s, err := p.Provider.SessionRead(ctx, sid)
	return rawStore{s, p}, err
}

type rawStore struct {
	session.Store
	p *rawProvider
}

func (s rawStore) SessionRelease(ctx context.Context, w http.ResponseWriter) {
	s.p.mu.Lock()
	s.p.released++
	s.p.mu.Unlock()
	s.Store.SessionRelease(ctx, w)
}

// TestAThirdPartyStoreIsReleased also when the handler panics: it may hold a connection, or a lock.
func TestAThirdPartyStoreIsReleased(t *testing.T) {
	for _, panics := range []bool{false, true} {
		t.Run(fmt.Sprintf("panics=%v", panics), func(t *testing.T) {
			p := &rawProvider{Provider: newFaulty(t).provider()}
			m := newNode(t, p)
			c := seed(t, m, map[any]any{"cart": "book"})
			p.released = 0
			res := c.do(recovering(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				set(t, current(t, m, r), "a", 1)
				if panics {
					panic("a defect")
				}
			}))).ServeHTTP)
			if (res.StatusCode == http.StatusOK) == panics || p.released != 1 {
				t.Errorf("status %d, released %d times", res.StatusCode, p.released)
			}
		})
	}
}
