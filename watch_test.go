package session_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// watched starts the session of a client in a request that goes on until the test ends, and returns the session.
func watched(t *testing.T, m *session.Manager, c *client) *session.Session {
	t.Helper()
	r := c.request().WithContext(t.Context())
	return start(t, m, httptest.NewRecorder(), r)
}

func ended(done <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func TestDoneOnThisNodeIsAtOnce(t *testing.T) {
	for name, end := range map[string]func(m *session.Manager, c *client) error{
		"logout": func(m *session.Manager, c *client) (err error) {
			c.do(func(w http.ResponseWriter, r *http.Request) { err = start(t, m, w, r).Logout(r.Context()) })
			return err
		},
		"Destroy": func(m *session.Manager, c *client) (err error) {
			c.do(func(w http.ResponseWriter, r *http.Request) { err = m.Destroy(w, r) })
			return err
		},
		"Regenerate": func(m *session.Manager, c *client) (err error) {
			c.do(func(w http.ResponseWriter, r *http.Request) { _, err = m.Regenerate(w, r) })
			return err
		},
		"Login": func(m *session.Manager, c *client) (err error) {
			c.do(func(w http.ResponseWriter, r *http.Request) { err = start(t, m, w, r).Login(r.Context(), "ann") })
			return err
		},
		"DestroyUser": func(m *session.Manager, _ *client) error { return second(m.DestroyUser(context.Background(), "ann")) },
		"DestroyByID": func(m *session.Manager, c *client) error { return m.DestroyByID(context.Background(), c.sid()) },
		"DestroyOf": func(m *session.Manager, c *client) error {
			return m.DestroyOf(context.Background(), "ann", start(t, m, httptest.NewRecorder(), c.request()).ID())
		},
		"DestroyAll": func(m *session.Manager, _ *client) error { return m.DestroyAll(context.Background()) },
		"limit": func(m *session.Manager, _ *client) error {
			login(t, m, "ann")
			return nil
		},
	} {
		for kind := range stores(t) {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newNode(t, stores(t)[kind], session.CfgMaxPerUser(2))
					c, other := login(t, m, "ann"), login(t, m, "bob")
					time.Sleep(time.Second) // c is the first of Ann's
					if name == "limit" {
						login(t, m, "ann")
					}
					s := watched(t, m, c)
					done, again, others := s.Done(), watched(t, m, c).Done(), watched(t, m, other).Done()
					if done == nil || ended(done) || ended(again) {
						t.Fatal("the session has not ended")
					}
					if err := end(m, c); err != nil {
						t.Fatal(err)
					}
					if !ended(done) || !ended(again) {
						t.Error("the session has ended, and nobody says so")
					}
					if ended(others) != (name == "DestroyAll") {
						t.Error("another session has ended, or not")
					}
				})
			})
		}
	}
}

func TestDoneWhenItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgMaxLifeTime(600), session.CfgAbsoluteLifetime(time.Hour))
		c := seed(t, m, nil)
		done := watched(t, m, c).Done()
		for range 6 { // it is used
			time.Sleep(9 * time.Minute)
			if ended(done) {
				t.Fatal("it is not over")
			}
			c.visit(t, m, nil)
		}
		time.Sleep(6*time.Minute - time.Millisecond)
		if ended(done) {
			t.Error("it ended too early")
		}
		time.Sleep(2 * time.Millisecond)
		if !ended(done) {
			t.Error("the absolute deadline is over")
		}
	})
}

func TestDoneOfOtherNodes(t *testing.T) {
	for name, node := range map[string]func(b driver.Backend) driver.Backend{
		"polled":  func(b driver.Backend) driver.Backend { return notInProcess{b.(optionals)} },
		"watcher": func(b driver.Backend) driver.Backend { return b },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				beneath, _ := sharedMemory(t)
				hub := &hub{optionals: beneath.(optionals)}
				open := func() session.Provider {
					return session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
						return node(hub), nil
					})
				}
				m, other := newNode(t, open()), newNode(t, open())
				c := login(t, m, "ann")
				login(t, m, "ann") // whose end nobody waits for
				done := watched(t, m, c).Done()
				time.Sleep(time.Second)
				if _, err := other.DestroyUser(t.Context(), "ann"); err != nil {
					t.Fatal(err)
				}
				if name == "polled" {
					if ended(done) {
						t.Error("this cannot be known yet")
					}
					time.Sleep(session.PollInterval)
				}
				if !ended(done) {
					t.Error("the session has ended on another node, and nobody says so")
				}
			})
		})
	}
}

// A hub tells its watchers of what is deleted, if the connection holds.
type hub struct {
	optionals
	mu       sync.Mutex
	watchers []chan string
	broken   bool
}

func (h *hub) Delete(ctx context.Context, key string, version uint64) error {
	err := h.optionals.Delete(ctx, key, version)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.watchers {
		if err == nil && !h.broken {
			w <- key
		}
	}
	return err
}

func (h *hub) Watch(ctx context.Context, resync func(), destroyed func(key string)) error {
	keys := make(chan string, 100)
	h.mu.Lock()
	if h.broken {
		h.mu.Unlock()
		return errors.New("no connection")
	}
	h.watchers = append(h.watchers, keys)
	h.mu.Unlock()
	resync()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case key, ok := <-keys:
			if !ok {
				return io.ErrUnexpectedEOF
			}
			destroyed(key)
		}
	}
}

// cut breaks the connections of the watchers.
func (h *hub) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = true
	for _, w := range h.watchers {
		close(w)
	}
	h.watchers = nil
}

func TestDoneAfterALostNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := sharedMemory(t)
		h := &hub{optionals: b.(optionals)}
		open := session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return h, nil })
		var log reports
		m := newNode(t, open, log.options()...)
		c := login(t, m, "ann")
		done := watched(t, m, c).Done()
		time.Sleep(time.Second)
		h.cut()
		if err := b.(driver.Clearer).Clear(t.Context()); err != nil { // nobody is told
			t.Fatal(err)
		}
		time.Sleep(2 * session.PollInterval)
		if !ended(done) {
			t.Error("while there is no connection the sessions are not looked at")
		}
		c = login(t, m, "ann")
		done = watched(t, m, c).Done()
		h.mu.Lock()
		h.broken = false
		h.mu.Unlock()
		time.Sleep(3 * session.PollInterval)
		if ended(done) {
			t.Error("a live session has ended")
		}
		if err := h.Delete(t.Context(), watched(t, m, c).ID(), 0); err != nil { // as another node would
			t.Fatal(err)
		}
		if !ended(done) {
			t.Error("the watch has not begun again")
		}
	})
}

// While the store cannot be reached nothing is known to have ended, from the first look on.
func TestDoneDuringAnOutage(t *testing.T) {
	for _, how := range []fault{refused, silent} {
		t.Run(string(how), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFaulty(t)
				m, other := newNode(t, f.provider()), newNode(t, f.provider())
				c, late := login(t, m, "ann"), watched(t, m, login(t, m, "ann"))
				s := watched(t, m, c)
				done := s.Done()
				time.Sleep(time.Second)
				f.down(how)
				lateDone := late.Done()
				time.Sleep(3 * (session.PollInterval + 5*time.Second)) // which opTimeout is
				if len(f.recorded()) == 0 {
					t.Fatal("nobody has looked")
				}
				if ended(done) || ended(lateDone) {
					t.Error("a session has ended because the store could not be asked")
				}
				f.heal()
				time.Sleep(3 * session.PollInterval)
				if ended(done) || ended(lateDone) {
					t.Error("a session has ended after an outage")
				}
				if err := other.DestroyByID(t.Context(), s.ID()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(3 * session.PollInterval)
				if !ended(done) || ended(lateDone) {
					t.Error("after an outage the sessions are not looked at")
				}
			})
		})
	}
}

func TestDoneEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		c := login(t, m, "ann")
		ctx, cancel := context.WithCancel(t.Context())
		s := start(t, m, httptest.NewRecorder(), c.request().WithContext(ctx))
		done := s.Done()
		cancel()
		synctest.Wait()
		if _, err := m.DestroyUser(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
		if ended(done) {
			t.Error("the watch goes on after its request")
		}
		if !ended(watchedGone(t, m, c)) {
			t.Error("a session that is gone is not done")
		}
	})
}

// A stream that ends leaves the others of the session theirs.
func TestDoneEndsWithTheLastRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		c := login(t, m, "ann")
		done := watched(t, m, c).Done()
		ctx, cancel := context.WithCancel(t.Context())
		start(t, m, httptest.NewRecorder(), c.request().WithContext(ctx)).Done()
		cancel()
		synctest.Wait()
		if _, err := m.DestroyUser(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
		if !ended(done) {
			t.Error("the watch has ended with another request")
		}
	})
}

// watchedGone returns Done of a session that others have ended.
func watchedGone(t *testing.T, m *session.Manager, c *client) <-chan struct{} {
	t.Helper()
	c.login(t, m, "eve")
	s := watched(t, m, c)
	if err := m.DestroyByID(t.Context(), c.sid()); err != nil {
		t.Fatal(err)
	}
	set(t, s, "a", 1)
	if err := s.Save(t.Context()); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Save = %v", err)
	}
	return s.Done()
}

// A loop asks again and again, as that of an SSE handler does.
func TestDoneAgainIsTheSameChannel(t *testing.T) {
	m := newManager(t)
	c := login(t, m, "ann")
	s := watched(t, m, c)
	done := s.Done()
	if n := testing.AllocsPerRun(100, func() { s.Done() }); n > 0 || s.Done() != done {
		t.Errorf("another Done of the same session is another channel, or takes %v allocations", n)
	}
	if err := s.Login(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if s.Done() == done || s.Done() == nil {
		t.Error("after a login it is still the channel of the session before")
	}
}

// The session ends after it was loaded, and before anybody waits for that.
func TestDoneAfterTheEnd(t *testing.T) {
	for name, p := range stores(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newNode(t, p)
				c := login(t, m, "ann")
				watched(t, m, login(t, m, "bob")).Done() // the manager listens already
				s := watched(t, m, c)
				synctest.Wait()
				if _, err := m.DestroyUser(t.Context(), "ann"); err != nil {
					t.Fatal(err)
				}
				if !ended(s.Done()) {
					t.Error("the session has ended before, and nobody says so")
				}
			})
		})
	}
}
