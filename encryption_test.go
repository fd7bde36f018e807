package session_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memory"
)

const (
	oldKey = "an old key of many bytes"
	newKey = "a newer key of many bytes"
)

// sharedMemory returns a memory, and a provider on it for each node.
func sharedMemory(t testing.TB) (driver.Backend, func() session.Provider) {
	t.Helper()
	b, err := memory.Open(t.Context(), driver.Config{Logger: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	return b, func() session.Provider {
		return session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return b, nil })
	}
}

func TestEncryptionKeepsEverything(t *testing.T) {
	for _, codec := range []string{"compact", "gob", "json"} {
		t.Run(codec, func(t *testing.T) {
			m := newManager(t, session.CfgEncryptionKeys(newKey), session.CfgCodec(codec))
			c := seed(t, m, map[any]any{"user": "ann", "cart": "book"})
			old := c.sid()
			c.do(func(w http.ResponseWriter, r *http.Request) {
				a, b := start(t, m, w, r), start(t, m, w, r)
				set(t, a, "a", "1")
				set(t, b, "b", "2")
				save(t, a)
				save(t, b)
				s, err := m.Regenerate(w, r)
				if err != nil {
					t.Fatal(err)
				}
				set(t, s, "user", "eve")
				save(t, s)
			})
			for key, want := range map[string]any{"user": "eve", "cart": "book", "a": "1", "b": "2"} {
				if got := c.value(t, m, key); got != want {
					t.Errorf("%s = %v, want %v", key, got, want)
				}
			}
			if alive(t, m, old) {
				t.Error("the old sid is alive")
			}
			c.do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				if err := s.Flush(r.Context()); err != nil {
					t.Fatal(err)
				}
				save(t, s)
			})
			if c.value(t, m, "user") != nil || !alive(t, m, c.sid()) {
				t.Error("not flushed")
			}
		})
	}
}

func TestEncryptionHidesValues(t *testing.T) {
	b, node := sharedMemory(t)
	m := newNode(t, node(), session.CfgEncryptionKeys(newKey))
	c := seed(t, m, map[any]any{"canary-name": "canary-value"})
	var rec driver.Record
	if err := b.Load(t.Context(), c.sid(), &rec); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(rec.Data, []byte("canary")) {
		t.Error("the store can be read")
	}
}

func TestEncryptionRotates(t *testing.T) {
	_, node := sharedMemory(t)
	before := newNode(t, node(), session.CfgEncryptionKeys(oldKey))
	overlap := newNode(t, node(), session.CfgEncryptionKeys(newKey, oldKey))
	after := newNode(t, node(), session.CfgEncryptionKeys(newKey))
	c := seed(t, before, map[any]any{"user": "ann"})
	if c.value(t, overlap, "user") != "ann" {
		t.Error("the old key does not open any more")
	}
	if alive(t, after, c.sid()) {
		t.Error("a key that was removed still opens")
	}
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, overlap, w, r)
		set(t, s, "seen", true)
		save(t, s)
	})
	if c.value(t, after, "user") != "ann" {
		t.Error("a save does not seal with the first key")
	}
}

func TestEncryptedRecordsCannotBeSwapped(t *testing.T) {
	b, node := sharedMemory(t)
	m := newNode(t, node(), session.CfgEncryptionKeys(newKey))
	ann, eve := seed(t, m, map[any]any{"user": "ann"}), seed(t, m, map[any]any{"user": "eve"})
	var a, e driver.Record
	if err := errors.Join(b.Load(t.Context(), ann.sid(), &a), b.Load(t.Context(), eve.sid(), &e)); err != nil {
		t.Fatal(err)
	}
	a.Data, e.Data = e.Data, a.Data
	if err := errors.Join(b.Save(t.Context(), ann.sid(), &a), b.Save(t.Context(), eve.sid(), &e)); err != nil {
		t.Fatal(err)
	}
	if alive(t, m, ann.sid()) || alive(t, m, eve.sid()) {
		t.Error("a record opens in another's place")
	}
}

func TestWhatDoesNotOpenIsNoSession(t *testing.T) {
	b, node := sharedMemory(t)
	m := newNode(t, node(), session.CfgEncryptionKeys(newKey))
	plain := newNode(t, node())
	tamper := func(change func(data []byte) []byte) *client {
		c := seed(t, m, map[any]any{"user": "ann"})
		var rec driver.Record
		if err := b.Load(t.Context(), c.sid(), &rec); err != nil {
			t.Fatal(err)
		}
		rec.Data = change(bytes.Clone(rec.Data))
		if err := b.Save(t.Context(), c.sid(), &rec); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, c := range map[string]*client{
		"stored without encryption": seed(t, plain, map[any]any{"user": "admin"}),
		"emptied":                   tamper(func([]byte) []byte { return nil }),
		"cut off":                   tamper(func(d []byte) []byte { return d[:len(d)-1] }),
		"codec exchanged":           tamper(func(d []byte) []byte { d[1] = 'g'; return d }),
		"version exchanged":         tamper(func(d []byte) []byte { d[0] = 1; return d }),
		"flipped bit":               tamper(func(d []byte) []byte { d[len(d)/2] ^= 1; return d }),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, m, httptest.NewRecorder(), c.request())
			if !s.IsNew() || s.Get(t.Context(), "user") != nil {
				t.Error("it was taken for a session")
			}
		})
	}
	t.Run("and without the keys an encrypted record is an error", func(t *testing.T) {
		c := seed(t, m, nil)
		if _, err := plain.Start(httptest.NewRecorder(), c.request()); !errors.Is(err, session.ErrCorrupt) {
			t.Errorf("Start = %v", err)
		}
	})
}
