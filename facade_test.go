package session_test

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// openFacade opens p for use without a manager.
func openFacade(t *testing.T, p session.Provider) session.Provider {
	t.Helper()
	if err := p.SessionInit(t.Context(), 60, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// facades are the ways to come to the seven methods of a provider that is made of a backend.
var facades = map[string]func(t *testing.T) session.Provider{
	"provider of memory": func(t *testing.T) session.Provider { return openFacade(t, memory.New()) },
	"provider of a tap":  func(t *testing.T) session.Provider { return openFacade(t, newTap(t).provider()) },
	"manager's memory":   func(t *testing.T) session.Provider { return newManager(t).GetProvider() },
	"manager's tap":      func(t *testing.T) session.Provider { return newNode(t, newTap(t).provider()).GetProvider() },
}

func TestFacade(t *testing.T) {
	for name, open := range facades {
		t.Run(name, func(t *testing.T) {
			ctx, p := t.Context(), open(t)
			exists := func(sid string, want bool) {
				t.Helper()
				if got, err := p.SessionExist(ctx, sid); got != want || err != nil {
					t.Errorf("SessionExist(%s) = %v, %v, want %v", sid, got, err, want)
				}
			}
			read := func(sid string) session.Store {
				t.Helper()
				s, err := p.SessionRead(ctx, sid)
				if err != nil {
					t.Fatal(err)
				}
				if s.SessionID(ctx) != sid {
					t.Errorf("SessionRead(%s) has sid %s", sid, s.SessionID(ctx))
				}
				return s
			}
			exists("a", false)
			s := read("a")
			exists("a", true)
			set(t, s, "user", "ann")
			s.SessionRelease(ctx, nil)
			if got := read("a").Get(ctx, "user"); got != "ann" {
				t.Errorf("user = %v", got)
			}

			s, err := p.SessionRegenerate(ctx, "a", "b")
			if err != nil {
				t.Fatal(err)
			}
			if s.Get(ctx, "user") != "ann" || s.SessionID(ctx) != "b" {
				t.Errorf("after SessionRegenerate: user = %v, sid %s", s.Get(ctx, "user"), s.SessionID(ctx))
			}
			exists("a", false)
			exists("b", true)

			s, err = p.SessionRegenerate(ctx, "unknown", "c")
			if err != nil || s.Get(ctx, "user") != nil {
				t.Errorf("SessionRegenerate of an unknown sid: %v, %v", s, err)
			}
			exists("unknown", false)
			exists("c", true)
			if n := p.SessionAll(ctx); n != 2 {
				t.Errorf("SessionAll = %d", n)
			}
			if _, err = p.SessionRegenerate(ctx, "b", "c"); err == nil {
				t.Error("SessionRegenerate took over another session's sid")
			}
			for _, old := range []string{"c", "unknown"} {
				if _, err = p.SessionRegenerate(ctx, old, "c"); !errors.Is(err, session.ErrExists) {
					t.Errorf("SessionRegenerate of %s to a sid that is taken: %v", old, err)
				}
			}
			exists("b", true)

			for range 2 {
				if err := p.SessionDestroy(ctx, "b"); err != nil {
					t.Error(err)
				}
			}
			exists("b", false)
			exists("c", true)
			p.SessionGC(ctx)
			if n := p.SessionAll(ctx); n != 1 {
				t.Errorf("SessionAll = %d", n)
			}
		})
	}
}

func TestFacadeHostileSIDs(t *testing.T) {
	for name, open := range facades {
		t.Run(name, func(t *testing.T) {
			ctx, p := t.Context(), open(t)
			for _, sid := range []string{
				"", strings.Repeat("a", 64<<10), "../../etc/passwd", "..", "/", "a\x00b", "a\r\nb", "*", "%2e%2e", "'; drop", "\xff", "{a}",
			} {
				what := sid[:min(len(sid), 20)]
				if ok, err := p.SessionExist(ctx, sid); ok {
					t.Errorf("SessionExist(%.20q) = %v, %v", what, ok, err)
				}
				s, err := p.SessionRead(ctx, sid)
				if err == nil {
					set(t, s, "a", 1)
					s.SessionRelease(ctx, nil)
				}
				if err != nil && (s != nil || strings.Contains(err.Error(), cmp.Or(sid, "\x00"))) {
					t.Errorf("SessionRead(%.20q) = %v, %v", what, s, err)
				}
				_, _ = p.SessionRegenerate(ctx, sid, "to")
				_, _ = p.SessionRegenerate(ctx, "to", sid)
				if err == nil {
					if err := p.SessionDestroy(ctx, sid); err != nil {
						t.Errorf("SessionDestroy(%.20q): %v", what, err)
					}
				}
				_ = p.SessionDestroy(ctx, "to")
			}
			if n := p.SessionAll(ctx); n != 0 {
				t.Errorf("%d sessions are left", n)
			}
		})
	}
	t.Run("beego mode", func(t *testing.T) { // the backend gets bare sids there
		backend := newTap(t)
		p := newNode(t, backend.provider(), session.CfgBeego(true)).GetProvider()
		for _, sid := range []string{"../../etc/passwd", "a\x00b", "*"} {
			_, _ = p.SessionExist(t.Context(), sid)
			_, _ = p.SessionRead(t.Context(), sid)
			_, _ = p.SessionRegenerate(t.Context(), sid, strings.Repeat("ab", 16))
			_, _ = p.SessionRegenerate(t.Context(), strings.Repeat("ab", 16), sid)
			_ = p.SessionDestroy(t.Context(), sid)
		}
		for _, key := range backend.keys() {
			if key != strings.Repeat("ab", 16) {
				t.Errorf("key %q", key)
			}
		}
	})
}

func TestFacadeBeforeAndAfterSessionInit(t *testing.T) {
	ctx, p := t.Context(), memory.New()
	_, read := p.SessionRead(ctx, "a")
	_, exist := p.SessionExist(ctx, "a")
	_, regenerate := p.SessionRegenerate(ctx, "a", "b")
	for name, err := range map[string]error{
		"SessionRead": read, "SessionExist": exist, "SessionRegenerate": regenerate, "SessionDestroy": p.SessionDestroy(ctx, "a"),
	} {
		if err == nil || !strings.Contains(err.Error(), "SessionInit") {
			t.Errorf("%s before SessionInit = %v", name, err)
		}
	}
	if err := p.SessionInit(ctx, -1, ""); err == nil {
		t.Error("a negative lifetime is accepted")
	}
	wantFieldError(t, "SessionInit", p.SessionInit(ctx, 60, `{"nosuch": 1}`), "providerConfig.nosuch")
	openFacade(t, p)
	if _, err := p.SessionRead(ctx, "a"); err != nil {
		t.Error(err)
	}
	t.Run("of a manager", func(t *testing.T) {
		m := newManager(t)
		c := seed(t, m, nil)
		if err := m.GetProvider().SessionInit(ctx, 60, ""); err == nil {
			t.Error("the manager's provider was opened again")
		}
		if !alive(t, m, c.sid()) {
			t.Error("SessionInit disturbs the manager")
		}
	})
}

// TestProviderThatIsNotOpen: where a manager of beego's has opened the provider that GetProvider returns, ours is nobody's. What
// returns an error says so, and what to take instead; the rest tells the log, but once for a registered name.
func TestProviderThatIsNotOpen(t *testing.T) {
	var log bytes.Buffer
	before := session.SLogger
	session.SLogger = session.NewSessionLog(&log)
	defer func() { session.SLogger = before }()

	name := "test-unopened-" + rand.Text() // what it has logged stays with the name
	session.Register(name, memory.New())
	m, err := session.NewManager(name, session.NewManagerConfig(session.CfgLogger(slog.New(slog.DiscardHandler))))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	seed(t, m, nil)
	get := func() session.Provider {
		p, err := session.GetProvider(name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	ctx := t.Context()
	if _, err := get().SessionRead(ctx, "a"); err == nil || !strings.Contains(err.Error(), "Manager.GetProvider") {
		t.Errorf("SessionRead = %v", err)
	}
	if log.Len() > 0 {
		t.Errorf("an error is logged as well: %s", &log)
	}
	p := get()
	for range 2 {
		if n := p.SessionAll(ctx) + get().SessionAll(ctx); n != 0 {
			t.Errorf("SessionAll = %d", n)
		}
		p.SessionGC(ctx)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN") ||
		!strings.Contains(text, "Manager.GetProvider") || !strings.Contains(text, "SessionInit") {
		t.Errorf("the log has %q", text)
	}
	log.Reset()
	memory.New().SessionGC(ctx)
	if strings.Count(log.String(), "\n") != 1 {
		t.Errorf("of SessionGC the log has %q", &log)
	}
	log.Reset()
	if n := m.GetProvider().SessionAll(ctx); n != 1 {
		t.Errorf("SessionAll of the manager's = %d", n)
	}
	opened := openFacade(t, memory.New())
	opened.SessionAll(ctx)
	opened.SessionGC(ctx)
	if log.Len() > 0 {
		t.Errorf("of open providers the log has %s", &log)
	}
}

// TestFacadeLifetime: the lifetime of SessionInit is in seconds.
func TestFacadeLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openFacade(t, memory.New())
		if _, err := p.SessionRead(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - time.Nanosecond)
		if ok, err := p.SessionExist(t.Context(), "a"); !ok || err != nil {
			t.Errorf("before the deadline: %v, %v", ok, err)
		}
		time.Sleep(time.Nanosecond)
		if ok, err := p.SessionExist(t.Context(), "a"); ok || err != nil {
			t.Errorf("at the deadline: %v, %v", ok, err)
		}
		p.SessionGC(t.Context())
	})
}
