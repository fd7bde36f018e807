package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A writable is a store that somebody without a key writes to, before or after calls of a manager.
type writable struct {
	driver.Backend
	beforeSave  func(try int)
	tries       int
	afterSave   func(key string) error // nil for none, as the others
	afterRename func(key string) error
	afterDelete func(key string, rec *driver.Record)
	listed      []driver.Entry // as every user's
}

func newWritable(t testing.TB) *writable {
	b, _ := sharedMemory(t)
	return &writable{Backend: b}
}

func (s *writable) node(t testing.TB, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	p := session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return s, nil })
	opts = append([]session.ManagerConfigOpt{session.CfgEncryptionKeys(newKey), session.CfgAbsoluteLifetime(time.Hour)}, opts...)
	return newNode(t, p, opts...)
}

func (s *writable) Unwrap() driver.Backend { return s.Backend }

func (s *writable) Save(ctx context.Context, key string, rec *driver.Record) error {
	if s.beforeSave != nil {
		s.tries++
		s.beforeSave(s.tries)
	}
	err := s.Backend.Save(ctx, key, rec)
	if err == nil && s.afterSave != nil {
		return s.afterSave(key)
	}
	return err
}

func (s *writable) Rename(ctx context.Context, oldKey string, version uint64, newKey string, rec *driver.Record, mark driver.Mark) error {
	r, _ := driver.As[driver.Renamer](s.Backend)
	err := r.Rename(ctx, oldKey, version, newKey, rec, mark)
	if err == nil && s.afterRename != nil {
		return s.afterRename(newKey)
	}
	return err
}

func (s *writable) Delete(ctx context.Context, key string, version uint64) error {
	var rec driver.Record
	if s.afterDelete == nil || s.Load(ctx, key, &rec) != nil {
		return s.Backend.Delete(ctx, key, version)
	}
	err := s.Backend.Delete(ctx, key, version)
	s.afterDelete(key, &rec)
	return err
}

func (s *writable) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	if s.listed == nil {
		l, _ := driver.As[driver.UserLister](s.Backend)
		return l.ListUser(ctx, user)
	}
	return func(yield func(driver.Entry, error) bool) {
		for _, e := range s.listed {
			if e.User = user; !yield(e, nil) {
				return
			}
		}
	}
}

// Watch has nothing to tell.
func (*writable) Watch(ctx context.Context, resync func(), _ func(key string)) error {
	resync()
	<-ctx.Done()
	return ctx.Err()
}

// alter writes what alter makes of the record under key.
func (s *writable) alter(t testing.TB, key string, alter func(rec *driver.Record)) {
	t.Helper()
	var rec driver.Record
	if err := s.Load(t.Context(), key, &rec); err != nil {
		t.Fatal(err)
	}
	alter(&rec)
	version := rec.Version
	if err := errors.Join(s.Backend.Delete(t.Context(), key, 0), s.Create(t.Context(), key, &rec)); err != nil {
		t.Fatal(err)
	}
	for rec.Version < version {
		if err := s.Backend.Save(t.Context(), key, &rec); err != nil {
			t.Fatal(err)
		}
	}
}

// forge makes a record another user's, who logs in in an hour, and for ever.
func forge(user string) func(rec *driver.Record) {
	return func(rec *driver.Record) {
		rec.User, rec.AuthTime, rec.Deadline = user, time.Now().Add(time.Hour), time.Time{}
	}
}

// annAndEve logs two users in, and returns the second one and how the first one's name is stored.
func (s *writable) annAndEve(t testing.TB, m *session.Manager) (eve *client, ann string) {
	t.Helper()
	first, eve := seed(t, m, nil), seed(t, m, nil)
	first.login(t, m, "ann")
	eve.login(t, m, "eve")
	var rec driver.Record
	if err := s.Load(t.Context(), first.sid(), &rec); err != nil {
		t.Fatal(err)
	}
	return eve, rec.User
}

// wantForged checks that who has forged a record has not become another.
func (c *client) wantForged(t testing.TB, m *session.Manager) {
	t.Helper()
	s := start(t, m, httptest.NewRecorder(), c.request())
	if user := s.User(); user != "eve" && user != "" {
		t.Errorf("Eve has become %q", user)
	}
	if s.AuthTime().After(time.Now()) {
		t.Error("Eve has a login to come")
	}
}

// TestForgedBetweenTries has Eve write to her own record while it is saved, so that a save which has met another version finds
// the one again that its request has loaded, and nothing else of it.
func TestForgedBetweenTries(t *testing.T) {
	b := newWritable(t)
	m := b.node(t)
	eve, ann := b.annAndEve(t, m)
	key := eve.sid()
	eve.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		set(t, s, "k", "v")
		b.beforeSave = func(try int) {
			switch try {
			case 1:
				b.alter(t, key, func(rec *driver.Record) { rec.Version++ })
			case 2:
				b.alter(t, key, func(rec *driver.Record) { rec.Version--; forge(ann)(rec) })
			}
		}
		if err := s.Save(t.Context()); !errors.Is(err, session.ErrDestroyed) {
			t.Errorf("Save = %v, want ErrDestroyed", err)
		}
		b.beforeSave = nil
	})
	if b.tries < 2 {
		t.Fatalf("%d tries, want 2", b.tries)
	}
	eve.wantForged(t, m)
}

// TestForgedAfterALostAnswer has Eve write to her own record after it was stored, and before the manager, which has got no
// answer, looks whether it was.
func TestForgedAfterALostAnswer(t *testing.T) {
	t.Run("Save", func(t *testing.T) {
		b := newWritable(t)
		m := b.node(t)
		eve, ann := b.annAndEve(t, m)
		eve.do(func(w http.ResponseWriter, r *http.Request) {
			s := start(t, m, w, r)
			set(t, s, "k", "v")
			b.afterSave = func(key string) error {
				b.afterSave = nil
				b.alter(t, key, forge(ann))
				return errDown
			}
			if err := s.Save(t.Context()); !errors.Is(err, errDown) {
				t.Errorf("Save without an answer = %v", err)
			}
			if err := s.Save(t.Context()); !errors.Is(err, session.ErrDestroyed) || s.User() != "eve" {
				t.Errorf("Save = %v, of user %q, want ErrDestroyed and Eve", err, s.User())
			}
		})
		eve.wantForged(t, m)
	})
	t.Run("Regenerate", func(t *testing.T) {
		b := newWritable(t)
		m := b.node(t)
		eve, ann := b.annAndEve(t, m)
		eve.do(func(w http.ResponseWriter, r *http.Request) {
			b.afterRename = func(key string) error {
				b.afterRename = nil
				b.alter(t, key, forge(ann))
				return errDown
			}
			s, err := m.Regenerate(w, r)
			if err != nil {
				t.Fatal(err)
			}
			if set(t, s, "k", "v"); s.User() != "eve" {
				t.Errorf("the user is %q", s.User())
			}
			save(t, s)
		})
		eve.wantForged(t, m)
	})
}

// TestForgedList has a session listed as Eve's that is not hers when it is loaded.
func TestForgedList(t *testing.T) {
	b := newWritable(t)
	m := b.node(t)
	ann := seed(t, m, nil)
	ann.login(t, m, "ann")
	b.listed = []driver.Entry{{Key: ann.sid()}}
	if infos, err := m.SessionsOf(t.Context(), "eve"); err != nil || len(infos) > 0 {
		t.Errorf("SessionsOf = %+v, %v, want none", infos, err)
	}
	if infos, err := m.SessionsOf(t.Context(), "ann"); err != nil || len(infos) != 1 {
		t.Errorf("SessionsOf the user = %+v, %v", infos, err)
	}
}

// TestForgedIdleDeadline has the one time altered that no seal covers.
func TestForgedIdleDeadline(t *testing.T) {
	t.Run("beyond the absolute one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newWritable(t)
			m := b.node(t)
			c := seed(t, m, nil)
			b.alter(t, c.sid(), func(rec *driver.Record) { rec.Expires = rec.Deadline.Add(time.Hour) })
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := start(t, m, httptest.NewRecorder(), c.request().WithContext(ctx)).Done()
			time.Sleep(time.Hour - time.Second)
			select {
			case <-done:
				t.Error("Done before the absolute deadline")
			default:
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			select {
			case <-done:
			default:
				t.Error("not Done after the absolute deadline")
			}
		})
	})
	t.Run("as late as can be", func(t *testing.T) {
		b := newWritable(t)
		m := b.node(t, session.CfgAbsoluteLifetime(0), session.CfgCookieLifeTime(600))
		c := seed(t, m, nil)
		c.login(t, m, "ann")
		b.alter(t, c.sid(), func(rec *driver.Record) {
			if rec.Expires = time.UnixMilli(math.MaxInt64); !rec.Deadline.IsZero() {
				t.Fatal("there is an absolute deadline")
			}
		})
		infos, err := m.SessionsOf(t.Context(), "ann")
		if _, failed := json.Marshal(infos); err != nil || failed != nil || len(infos) != 1 {
			t.Errorf("SessionsOf = %+v, %v, as JSON: %v", infos, err, failed)
		}
		c.do(func(w http.ResponseWriter, r *http.Request) {
			start(t, m, w, r)
			if err := m.ShiftExpiration(w, r); err != nil {
				t.Error(err)
			}
		})
		if c.cookie == "" {
			t.Error("the cookie is deleted")
		}
	})
}

// TestDestroyUserOfWhoComesBack has somebody put back each record that is removed: DestroyUser ends, and says so.
func TestDestroyUserOfWhoComesBack(t *testing.T) {
	b := newWritable(t)
	m := b.node(t)
	c := seed(t, m, nil)
	c.login(t, m, "ann")
	b.afterDelete = func(key string, rec *driver.Record) { b.Backend.Create(t.Context(), key, rec) }
	if n, err := m.DestroyUser(t.Context(), "ann"); n == 0 || err == nil {
		t.Errorf("DestroyUser = %d, %v, want an error", n, err)
	}
}
