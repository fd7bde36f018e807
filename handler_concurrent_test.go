package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// TestGoroutinesOfOneRequest share its Session, some for longer than it lasts.
func TestGoroutinesOfOneRequest(t *testing.T) {
	onBoth(t, func(t *testing.T, protocol string) {
		var got reports
		m := newManager(t, got.options()...)
		c := seed(t, m, map[any]any{"cart": "book"})
		var late sync.WaitGroup
		answered := make(chan struct{})
		srv := serve(t, protocol, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var early sync.WaitGroup
			use := func(i int) {
				s, err := m.FromContext(r.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Set(r.Context(), i, i); err != nil {
					t.Error(err)
				}
				if _, err := s.Increment(r.Context(), "n", 1); err != nil {
					t.Error(err)
				}
				if got := s.Get(r.Context(), "cart"); got != "book" {
					t.Errorf("cart = %v", got)
				}
				_ = s.SessionID(r.Context())
				_ = fmt.Sprint(s)
				if err := s.Save(r.Context()); err != nil {
					t.Error(err)
				}
			}
			for i := range 8 {
				early.Go(func() { use(i) })
				late.Go(func() { <-answered; use(100 + i) })
			}
			fmt.Fprint(w, "hello")
			early.Wait()
		})))
		c.fetch(t, srv, "GET")
		close(answered)
		late.Wait()
		if got := c.value(t, m, "n"); got != int64(16) {
			t.Errorf("n = %v", got)
		}
		for i := range 8 {
			if a, b := c.value(t, m, i), c.value(t, m, 100+i); a != i || b != 100+i {
				t.Errorf("%d = %v, %d = %v", i, a, 100+i, b)
			}
		}
		got.silentSoFar(t)
	})
}

// TestNoChangeIsLostBetweenSaveAndHeaders has a visitor's goroutine change the session at the moment at which
// another one begins the response: a change of which nobody says that it failed is stored.
func TestNoChangeIsLostBetweenSaveAndHeaders(t *testing.T) {
	for range 20 {
		var got reports
		m := newManager(t, got.options()...)
		var err error
		c := new(client)
		c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := current(t, m, r)
			var both sync.WaitGroup
			_ = s.Update(r.Context(), "a", func(any) (any, error) { // both wait for it
				both.Go(func() { fmt.Fprint(w, "hello") })
				both.Go(func() { err = s.Set(r.Context(), "a", 1) })
				time.Sleep(2 * time.Millisecond)
				return nil, nil
			})
			both.Wait()
		})).ServeHTTP)
		if stored := m.GetActiveSession() == 1; stored != (err == nil) || stored != (c.cookie != "") {
			t.Fatalf("stored: %v, cookie: %v, Set = %v", stored, c.cookie != "", err)
		}
		got.silentSoFar(t)
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

// timeoutHandler is http.TimeoutHandler whose time is up when the channel is closed.
func timeoutHandler(h http.Handler, timeIsUp <-chan struct{}) http.Handler {
	h = http.TimeoutHandler(h, time.Minute, "timeout")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(expiring{r.Context(), timeIsUp}))
	})
}

// expiring is a context whose deadline has passed when done is closed.
type expiring struct {
	context.Context
	done <-chan struct{}
}

func (c expiring) Done() <-chan struct{} { return c.done }

func (c expiring) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// TestTimeoutHandlerOnTheWire has the client of a real server see what http.TimeoutHandler makes of a handler that is
// too slow, and of one that is not, on both sides of Handler.
func TestTimeoutHandlerOnTheWire(t *testing.T) {
	for _, inside := range []bool{false, true} {
		for _, slow := range []bool{false, true} {
			t.Run(fmt.Sprintf("inside=%v/slow=%v", inside, slow), func(t *testing.T) {
				onBoth(t, func(t *testing.T, protocol string) {
					var got reports
					m := newManager(t, got.options()...)
					timeIsUp, answered, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
					h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer close(ended)
						s := current(t, m, r)
						set(t, s, "a", 1)
						if slow {
							close(timeIsUp)
							<-r.Context().Done()
							<-answered
						}
						_, err := fmt.Fprint(w, "hello")
						if (err != nil) != slow {
							t.Errorf("Write = %v", err)
						}
					}))
					if inside {
						h = m.Handler(timeoutHandler(h, timeIsUp))
					} else {
						h = timeoutHandler(m.Handler(h), timeIsUp)
					}
					srv := serve(t, protocol, h)
					c := new(client)
					res, body := c.fetch(t, srv, "GET")
					close(answered)
					<-ended
					status, want := http.StatusOK, "hello"
					if slow {
						status, want = http.StatusServiceUnavailable, "timeout"
					}
					if res.StatusCode != status || body != want {
						t.Errorf("status %d, body %q", res.StatusCode, body)
					}
					// What the handler inside of it has set is thrown away with its answer, the cookie too.
					if promised := c.cookie != ""; promised != (inside || !slow) {
						t.Errorf("Set-Cookie = %q", res.Header["Set-Cookie"])
					} else if promised && c.value(t, m, "a") != 1 {
						t.Error("the cookie names no session with the change")
					}
					got.silentSoFar(t)
				})
			})
		}
	}
}
