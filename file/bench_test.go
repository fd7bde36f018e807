package file_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// BenchmarkBackend measures each call on one session.
func BenchmarkBackend(b *testing.B) {
	ctx := context.Background()
	s := open(b, b.TempDir())
	key := sessiontest.Key("one")
	rec := newRecord(time.Hour)
	if err := s.Create(ctx, key, rec); err != nil {
		b.Fatal(err)
	}
	run := func(name string, call func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("Load", func() error { return s.Load(ctx, key, new(session.Record)) })
	run("Save", func() error { return s.Save(ctx, key, rec) })
	expires := rec.Expires
	run("Touch", func() error {
		expires = expires.Add(time.Millisecond)
		return s.Touch(ctx, key, expires)
	})
	run("Create and Delete", func() error {
		other := sessiontest.Key("other")
		if err := s.Create(ctx, other, newRecord(time.Hour)); err != nil {
			return err
		}
		return s.Delete(ctx, other, 1)
	})
	from, to := sessiontest.Key("a"), sessiontest.Key("b")
	if err := s.Create(ctx, from, newRecord(time.Hour)); err != nil {
		b.Fatal(err)
	}
	run("Rename", func() error {
		from, to = to, from
		return s.(session.Renamer).Rename(ctx, to, 1, from, newRecord(time.Hour))
	})
}

// BenchmarkRequest measures a request through a manager: W1 reads one of five values, W2 writes one, too.
func BenchmarkRequest(b *testing.B) {
	m, err := session.New(file.New(), session.NewManagerConfig(session.CfgProviderConfig(b.TempDir())))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	r := httptest.NewRequest("GET", "/", nil)
	sess, err := m.Start(httptest.NewRecorder(), r)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	for key, value := range map[string]any{
		"id": int64(1), "name": "ann", "roles": []string{"reader", "writer"}, "token": make([]byte, 32), "at": time.Now(),
	} {
		sess.Set(ctx, key, value)
	}
	if err := sess.Save(ctx); err != nil {
		b.Fatal(err)
	}
	cookie := r.Header.Get("Cookie")
	run := func(name string, use func(sess *session.Session)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := &http.Request{Method: "GET", Header: http.Header{"Cookie": {cookie}}}
				w := httptest.NewRecorder()
				sess, err := m.Start(w, r)
				if err != nil || sess.Get(ctx, "name") != "ann" {
					b.Fatal("not the session", err)
				}
				use(sess)
				sess.SessionRelease(ctx, w)
			}
		})
	}
	run("W1", func(*session.Session) {})
	n := 0
	run("W2", func(sess *session.Session) {
		n++
		sess.Set(ctx, "id", n)
	})
}
