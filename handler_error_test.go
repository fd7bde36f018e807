package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

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

func TestTheApplicationAnswersWhatSaveHasToldIt(t *testing.T) {
	var got reports
	f := newFaulty(t)
	m := newNode(t, f.provider(), got.options()...)
	c := seed(t, m, map[any]any{"cart": "book"})
	handler := func(again bool) func(http.ResponseWriter, *http.Request) {
		return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := current(t, m, r)
			f.plan(1, refused)
			set(t, s, "cart", "bike")
			if err := s.Save(r.Context()); err == nil {
				t.Error("Save: no error")
			}
			if again {
				set(t, s, "n", 1)
			}
			http.Error(w, "your cart is as it was", http.StatusConflict)
		})).ServeHTTP
	}
	if res := c.do(handler(false)); res.StatusCode != http.StatusConflict {
		t.Errorf("status %d", res.StatusCode)
	}
	if c.value(t, m, "cart") != "book" {
		t.Error("what was not saved is stored")
	}
	got.silentSoFar(t)
	if c.do(handler(true)); c.value(t, m, "cart") != "bike" || c.value(t, m, "n") != 1 {
		t.Error("a change after the failed Save is not saved with those before")
	}
}
