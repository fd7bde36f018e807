package file_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
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
	run("Load", func() error { return s.Load(ctx, key, new(driver.Record)) })
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
	for i := range 3 {
		ofUser := newRecord(time.Hour)
		ofUser.User = "ann"
		if err := s.Create(ctx, sessiontest.Key("ann "+strconv.Itoa(i)), ofUser); err != nil {
			b.Fatal(err)
		}
	}
	run("Reserve beside three sessions", func() error {
		_, err := s.(driver.UserLimiter).Reserve(ctx, "ann", sessiontest.Key("ann 3"), time.Now().Add(time.Minute), 4, false)
		return err
	})
	run("Create and Delete of a user's session", func() error {
		rec := newRecord(time.Hour)
		rec.User = "bob"
		if err := s.Create(ctx, key+"b", rec); err != nil {
			return err
		}
		return s.Delete(ctx, key+"b", 1)
	})
	from, to := sessiontest.Key("a"), sessiontest.Key("b")
	if err := s.Create(ctx, from, newRecord(time.Hour)); err != nil {
		b.Fatal(err)
	}
	run("Rename", func() error {
		from, to = to, from
		return s.(driver.Renamer).Rename(ctx, to, 1, from, newRecord(time.Hour), driver.Mark{})
	})
}

// BenchmarkSweep measures a sweep of ten thousand sessions that have expired, while no requests come.
func BenchmarkSweep(b *testing.B) {
	for _, beego := range []bool{false, true} {
		b.Run("beego="+strconv.FormatBool(beego), func(b *testing.B) {
			const n = 10_000
			s, err := file.Open(b.Context(), driver.Config{Config: b.TempDir(), Beego: beego, Lifetime: time.Hour})
			if err != nil {
				b.Fatal(err)
			}
			defer s.(io.Closer).Close()
			for b.Loop() {
				b.StopTimer()
				for i := range n {
					if err := s.Create(b.Context(), sessiontest.Key(strconv.Itoa(i)), newRecord(-time.Hour)); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				if swept, err := s.(driver.Sweeper).Sweep(b.Context(), nil); swept != n || err != nil {
					b.Fatalf("%d swept, %v", swept, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/session")
		})
	}
}

// BenchmarkRequests measures whole requests. The floor reads a file of 128 bytes, or overwrites it, with no lock, no version
// and no check. A crash may leave it torn.
func BenchmarkRequests(b *testing.B) {
	sessiontest.Bench(b, sessiontest.Harness{
		Store: func(t testing.TB) sessiontest.Open { return inFolder(t.TempDir(), "none") },
		Floor: func(t testing.TB) func(write bool) error {
			path, data := filepath.Join(t.TempDir(), "record"), make([]byte, 128)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			return func(write bool) error {
				if !write {
					_, err := os.ReadFile(path)
					return err
				}
				f, err := os.OpenFile(path, os.O_WRONLY, 0)
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = f.WriteAt(data, 0)
				return err
			}
		},
	})
}
