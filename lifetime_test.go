package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memory"
)

// bothKinds are a backend in this process and one that is none.
var bothKinds = map[string]func(t *testing.T) session.Provider{
	"memory": func(*testing.T) session.Provider { return memory.New() },
	"tap":    func(t *testing.T) session.Provider { return newTap(t).provider() },
}

// visit makes a request that starts the session and releases it, and returns its cookies.
func (c *client) visit(t *testing.T, m *session.Manager, use func(s *session.Session)) []*http.Cookie {
	t.Helper()
	return c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		defer s.SessionRelease(r.Context(), w)
		if use != nil {
			use(s)
		}
	}).Cookies()
}

func TestIdleDeadline(t *testing.T) {
	for name, open := range bothKinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newNode(t, open(t), session.CfgMaxLifeTime(600))
				check := func(what string, c *client, want bool) {
					t.Helper()
					if got := alive(t, m, c.sid()); got != want {
						t.Errorf("%s: alive = %v", what, got)
					}
				}
				unused := seed(t, m, nil)
				late := seed(t, m, nil)
				time.Sleep(10*time.Minute - time.Millisecond)
				check("a millisecond before", unused, true)
				time.Sleep(time.Millisecond - time.Nanosecond)
				check("a nanosecond before", unused, true)
				late.visit(t, m, nil)
				time.Sleep(time.Nanosecond)
				check("at the deadline", unused, false)
				check("used a nanosecond before the deadline", late, true)
				time.Sleep(10*time.Minute - 2*time.Millisecond)
				check("the next deadline is not reached", late, true)
				time.Sleep(2 * time.Millisecond)
				check("the next deadline", late, false)

				s := late.sid()
				late.visit(t, m, func(s *session.Session) {
					if !s.IsNew() {
						t.Error("an expired session is used")
					}
				})
				if late.sid() == s {
					t.Error("an expired sid is adopted")
				}
			})
		})
	}
	t.Run("between two milliseconds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(700 * time.Microsecond)
			m := newManager(t, session.CfgMaxLifeTime(600))
			c := seed(t, m, nil)
			time.Sleep(10*time.Minute - time.Millisecond)
			if !alive(t, m, c.sid()) {
				t.Error("gone a millisecond before")
			}
			time.Sleep(time.Millisecond)
			if alive(t, m, c.sid()) {
				t.Error("alive at the deadline")
			}
		})
	})
}

// A request that began in time finds its session gone when it ends too late.
func TestExpiredDuringTheRequest(t *testing.T) {
	for name, open := range bothKinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newNode(t, open(t), session.CfgMaxLifeTime(600), session.CfgTouchInterval(-1))
				c := seed(t, m, nil)
				time.Sleep(5 * time.Minute)
				w := httptest.NewRecorder()
				writes := start(t, m, w, c.request())
				reads := start(t, m, w, c.request())
				set(t, writes, "a", 1)
				time.Sleep(5 * time.Minute)
				if err := writes.Save(t.Context()); !errors.Is(err, session.ErrDestroyed) {
					t.Errorf("Save = %v", err)
				}
				reads.SessionRelease(t.Context(), w)
				if alive(t, m, c.sid()) || m.GetActiveSession() != 0 {
					t.Error("the session is back")
				}
				if lines := w.Header()["Set-Cookie"]; lines != nil {
					t.Errorf("Set-Cookie = %q", lines)
				}
			})
		})
	}
}

func TestAbsoluteDeadline(t *testing.T) {
	for name, open := range bothKinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newNode(t, open(t), session.CfgMaxLifeTime(600), session.CfgAbsoluteLifetime(time.Hour),
					session.CfgTouchInterval(-1))
				c := seed(t, m, nil)
				for i := range 59 {
					time.Sleep(time.Minute)
					c.visit(t, m, func(s *session.Session) {
						switch {
						case s.IsNew():
							t.Fatalf("gone after %d minutes", i+1)
						case i%3 == 0:
							set(t, s, "n", i)
						case i%3 == 1:
							if err := s.Regenerate(t.Context()); err != nil {
								t.Fatal(err)
							}
						}
					})
				}
				time.Sleep(time.Minute - time.Nanosecond)
				c.visit(t, m, func(s *session.Session) { set(t, s, "last", 1) })
				if !alive(t, m, c.sid()) {
					t.Error("gone before the deadline")
				}
				time.Sleep(time.Nanosecond)
				if alive(t, m, c.sid()) {
					t.Error("alive at the deadline")
				}
			})
		})
	}
}

func TestTouchOnlyWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := newTap(t)
		m := newNode(t, backend.provider(), session.CfgMaxLifeTime(600), session.CfgTouchInterval(time.Minute))
		c := seed(t, m, map[any]any{"n": 1})
		want := func(what string, use func(s *session.Session), calls string) {
			t.Helper()
			backend.heal()
			c.visit(t, m, use)
			if got := strings.Join(backend.ops(), " "); got != calls {
				t.Errorf("%s: %s, want %s", what, got, calls)
			}
		}
		want("just created", nil, "load")
		time.Sleep(time.Minute - time.Millisecond)
		want("before it is due", nil, "load")
		time.Sleep(time.Millisecond)
		want("due", nil, "load touch")
		want("just touched", nil, "load")
		time.Sleep(2 * time.Minute)
		want("due, and something to save", func(s *session.Session) { set(t, s, "n", 2) }, "load save")
		want("just saved", nil, "load")
		time.Sleep(2 * time.Minute)
		want("released twice", func(s *session.Session) { s.SessionRelease(t.Context(), nil) }, "load touch")
		time.Sleep(2 * time.Minute)
		want("saved twice", func(s *session.Session) {
			set(t, s, "n", 2)
			save(t, s)
		}, "load save")
		time.Sleep(2 * time.Minute)
		want("only GetSessionStore", func(*session.Session) {
			s, err := m.GetSessionStore(c.sid())
			if err != nil {
				t.Fatal(err)
			}
			s.SessionRelease(t.Context(), nil)
		}, "load load touch touch")
	})
	t.Run("negative", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			backend := newTap(t)
			m := newNode(t, backend.provider(), session.CfgMaxLifeTime(600), session.CfgTouchInterval(-1))
			c := seed(t, m, nil)
			backend.heal()
			for range 10 {
				time.Sleep(time.Millisecond)
				c.visit(t, m, nil)
			}
			if n := backend.count("touch"); n != 10 {
				t.Errorf("10 requests, %d touches", n)
			}
		})
	})
	t.Run("default", func(t *testing.T) {
		for lifetime, due := range map[int64]time.Duration{600: 30 * time.Second, 36000: time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				backend := newTap(t)
				m := newNode(t, backend.provider(), session.CfgMaxLifeTime(lifetime))
				c := seed(t, m, nil)
				time.Sleep(due - time.Millisecond)
				c.visit(t, m, nil)
				if backend.count("touch") != 0 {
					t.Errorf("lifetime %d s: touched early", lifetime)
				}
				time.Sleep(time.Millisecond)
				c.visit(t, m, nil)
				if backend.count("touch") != 1 {
					t.Errorf("lifetime %d s: not touched after %v", lifetime, due)
				}
			})
		}
	})
	t.Run("at the absolute deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			backend := newTap(t)
			m := newNode(t, backend.provider(), session.CfgMaxLifeTime(600), session.CfgAbsoluteLifetime(11*time.Minute),
				session.CfgTouchInterval(time.Minute))
			c := seed(t, m, nil)
			time.Sleep(2 * time.Minute)
			c.visit(t, m, nil)
			time.Sleep(8 * time.Minute)
			c.visit(t, m, nil)
			if n := backend.count("touch"); n != 1 {
				t.Errorf("%d touches, but one reaches the deadline", n)
			}
		})
	})
}

// expires asks the backend.
func (p *tap) expires(t *testing.T) time.Time {
	t.Helper()
	var last time.Time
	for e, err := range p.beneath.(driver.Lister).List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Expires.After(last) {
			last = e.Expires
		}
		if !e.Deadline.IsZero() && e.Expires.After(e.Deadline) {
			t.Error("expires after the absolute deadline")
		}
	}
	return last
}

func TestNothingShortensADeadline(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, s *session.Session){
		"reading": func(*testing.T, *session.Session) {},
		"saving":  func(t *testing.T, s *session.Session) { set(t, s, "n", 1) },
		"saving twice": func(t *testing.T, s *session.Session) {
			set(t, s, "n", 1)
			save(t, s)
			set(t, s, "n", 2)
		},
		"regenerating": func(t *testing.T, s *session.Session) {
			if err := s.Regenerate(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		"saving and regenerating": func(t *testing.T, s *session.Session) {
			set(t, s, "n", 1)
			save(t, s)
			if err := s.Regenerate(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				backend := newTap(t)
				p := backend.provider()
				long := newNode(t, p, session.CfgMaxLifeTime(3600), session.CfgAbsoluteLifetime(90*time.Minute))
				short := newNode(t, p, session.CfgMaxLifeTime(60), session.CfgTouchInterval(-1))
				c := seed(t, long, nil)
				before := backend.expires(t)
				time.Sleep(time.Minute)
				c.visit(t, short, func(s *session.Session) { use(t, s) })
				if after := backend.expires(t); !after.Equal(before) {
					t.Errorf("the deadline moved from %v to %v", before, after)
				}
				time.Sleep(50 * time.Minute)
				c.visit(t, long, func(s *session.Session) { use(t, s) })
				if after := backend.expires(t); after.Sub(before) != 30*time.Minute {
					t.Errorf("the deadline moved by %v, not to the absolute one", after.Sub(before))
				}
			})
		})
	}
}

func TestCookieIsRenewedAfterATwentieth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgMaxLifeTime(600), session.CfgTouchInterval(time.Minute), session.CfgCookieLifeTime(600))
		c := seed(t, m, nil)
		sid := c.sid()
		for range 20 {
			time.Sleep(30*time.Second - time.Millisecond)
			if cookies := c.visit(t, m, nil); len(cookies) != 0 {
				t.Errorf("renewed early: %v", cookies)
			}
			time.Sleep(time.Millisecond)
			cookies := c.visit(t, m, nil)
			if len(cookies) != 1 || cookies[0].Value != sid || cookies[0].MaxAge != 600 ||
				!cookies[0].Expires.Equal(time.Now().Add(10*time.Minute).Truncate(time.Second)) {
				t.Errorf("not renewed: %v", cookies)
			}
		}
	})
	t.Run("not one of the browser's session", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, session.CfgMaxLifeTime(600), session.CfgTouchInterval(time.Minute))
			c := seed(t, m, nil)
			time.Sleep(5 * time.Minute)
			if cookies := c.visit(t, m, nil); len(cookies) != 0 {
				t.Errorf("renewed: %v", cookies)
			}
		})
	})
	t.Run("not if cookies are off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, session.CfgSetCookie(false), session.CfgCookieLifeTime(600), session.CfgTouchInterval(time.Minute))
			var sid string
			new(client).visit(t, m, func(s *session.Session) { sid = s.SessionID(t.Context()) })
			c := &client{cookie: "gosessionid=" + sid}
			time.Sleep(5 * time.Minute)
			if cookies := c.visit(t, m, nil); len(cookies) != 0 {
				t.Errorf("renewed: %v", cookies)
			}
		})
	})
}

// A sweepLog notes when its sweeps begin.
type sweepLog struct {
	*tap
	at    chan time.Time
	block chan struct{} // if not nil a sweep waits for it
	ended chan struct{}
}

var _ driver.Sweeper = (*sweepLog)(nil)

func (l *sweepLog) Sweep(context.Context, func(key, user string)) (int, error) {
	l.at <- time.Now()
	if l.block != nil {
		<-l.block
	}
	close(l.ended)
	l.ended = make(chan struct{})
	return 0, nil
}

func newSweepLog(t *testing.T, opts ...session.ManagerConfigOpt) (*sweepLog, *session.Manager) {
	l := &sweepLog{tap: newTap(t), at: make(chan time.Time, 1000), ended: make(chan struct{})}
	p := session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return l, nil })
	return l, newNode(t, p, append([]session.ManagerConfigOpt{session.CfgSweepInterval(10 * time.Minute)}, opts...)...)
}

func TestGC(t *testing.T) {
	for name, call := range map[string]func(m *session.Manager){
		"GC":          func(m *session.Manager) { m.GC() },
		"go GC":       func(m *session.Manager) { go m.GC() },
		"GC twice":    func(m *session.Manager) { m.GC(); m.GC() },
		"go GC twice": func(m *session.Manager) { go m.GC(); go m.GC() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // which fails if a goroutine stays
				sweeps, m := newSweepLog(t)
				begin := time.Now()
				call(m)
				if !time.Now().Equal(begin) {
					t.Error("GC does not return at once")
				}
				time.Sleep(100 * 10 * time.Minute)
				if err := m.Close(); err != nil {
					t.Error(err)
				}
				close(sweeps.at)
				last, gaps := begin, make(map[time.Duration]bool)
				for at := range sweeps.at {
					gap := at.Sub(last)
					if first := len(gaps) == 0; first && gap != 0 || !first && (gap < 9*time.Minute || gap > 11*time.Minute) {
						t.Errorf("sweep %d after %v", len(gaps), gap)
					}
					last, gaps[gap] = at, true
				}
				if len(gaps) < 90 || len(gaps) > 111 {
					t.Errorf("%d different waits in 100 periods", len(gaps))
				}
				m.GC() // a sweep would panic: the channel is closed
			})
		})
	}
	t.Run("Close waits for a sweep", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sweeps, m := newSweepLog(t)
			sweeps.block = make(chan struct{})
			m.GC()
			<-sweeps.at
			ended, closed := sweeps.ended, make(chan struct{})
			go func() {
				_ = m.Close()
				select {
				case <-ended:
				default:
					t.Error("Close returned during a sweep")
				}
				close(closed)
			}()
			time.Sleep(time.Hour)
			if sweeps.closed != 0 {
				t.Error("the backend was closed during a sweep")
			}
			close(sweeps.block)
			<-closed
			if sweeps.closed != 1 {
				t.Errorf("closed %d times", sweeps.closed)
			}
		})
	})
	t.Run("Close ends a waiting sweeper at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, m := newSweepLog(t)
			m.GC()
			synctest.Wait()
			begin := time.Now()
			if err := m.Close(); err != nil || !time.Now().Equal(begin) {
				t.Errorf("Close took %v, %v", time.Since(begin), err)
			}
		})
	})
	t.Run("GC and Close at the same time", func(t *testing.T) {
		for range 200 {
			_, m := newSweepLog(t)
			done := make(chan struct{})
			go func() {
				m.GC()
				close(done)
			}()
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			<-done
		}
	})
	t.Run("a failing sweep is reported and tried again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var errs []error
			backend := newTap(t)
			m := newNode(t, backend.provider(), session.CfgGcLifeTime(600), session.CfgLogger(quiet),
				session.CfgErrorHandler(func(_ http.ResponseWriter, _ *http.Request, err error) { errs = append(errs, err) }))
			backend.down(refused)
			m.GC()
			time.Sleep(time.Hour)
			backend.heal()
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			if len(errs) < 5 || slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, errDown) }) {
				t.Errorf("reported: %v", errs)
			}
		})
	})
	t.Run("what it removes is expired", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, session.CfgMaxLifeTime(600), session.CfgGcLifeTime(60))
			gone, kept := seed(t, m, nil), seed(t, m, nil)
			time.Sleep(5 * time.Minute)
			kept.visit(t, m, nil)
			m.GC()
			time.Sleep(6 * time.Minute)
			if alive(t, m, gone.sid()) || !alive(t, m, kept.sid()) || m.GetActiveSession() != 1 {
				t.Errorf("%d sessions", m.GetActiveSession())
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	})
}
