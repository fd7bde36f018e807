package memory_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memory"
)

// A tap keeps the Data of the record that was saved last.
type tap struct {
	driver.Backend
	data *[]byte
}

func (b tap) Save(ctx context.Context, key string, rec *driver.Record) error {
	*b.data = bytes.Clone(rec.Data)
	return b.Backend.Save(ctx, key, rec)
}

// dataOf returns the Data of a session with five values of 124 bytes: other Data would not be kept as a session's.
func dataOf(tb testing.TB) (data []byte) {
	tb.Helper()
	m, err := session.New(session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
		return tap{open(tb, ""), &data}, nil
	}), session.NewManagerConfig())
	if err != nil {
		tb.Fatal(err)
	}
	defer m.Close()
	s, err := m.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if err == nil {
		err = errors.Join(s.SetMulti(tb.Context(), map[any]any{
			"user": int64(1234567), "name": "Grace Hopper", "roles": []string{"reader", "editor"},
			"token": make([]byte, 32), "since": time.Unix(1.8e9, 123456789),
		}), s.Save(tb.Context()))
	}
	if err != nil || len(data) < 100 {
		tb.Fatalf("%d bytes of Data, %v", len(data), err)
	}
	return data
}

func open(tb testing.TB, config string) driver.Backend {
	tb.Helper()
	b, err := memory.Open(tb.Context(), driver.Config{Config: config})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// newSID returns a sid of 32 hexadecimal digits.
func newSID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// fill stores n sessions of the given lifetime and returns their keys. Unless domain is "" each belongs to a user of its
// own there.
func fill(tb testing.TB, b driver.Backend, n int, domain string, lifetime time.Duration) []string {
	tb.Helper()
	keys, data := make([]string, n), dataOf(tb)
	now := time.Now()
	for i := range keys {
		keys[i] = newSID()
		user := ""
		if domain != "" {
			user = fmt.Sprintf("%07d@%s", i, domain)
		}
		rec := &driver.Record{User: user, Created: now, Expires: now.Add(lifetime), Data: bytes.Clone(data)}
		if err := b.Create(context.Background(), keys[i], rec); err != nil {
			tb.Fatal(err)
		}
	}
	return keys
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMillion reports what a session takes when there are a million, sid and values included: sessions
// of visitors, of users, and with a limit.
func BenchmarkMillion(b *testing.B) {
	for _, bb := range []struct{ name, config, domain string }{
		{"visitors", "", ""},
		{"users", "", "example.com"},
		{"capped", `{"maxSessions": 1000000}`, ""},
	} {
		b.Run(bb.name, func(b *testing.B) {
			const n = 1_000_000
			var bytes uint64
			for b.Loop() {
				before := heap()
				s := open(b, bb.config)
				fill(b, s, n, bb.domain, time.Hour)
				bytes += heap() - before
				runtime.KeepAlive(s)
			}
			b.ReportMetric(float64(bytes)/float64(b.N)/n, "B/session")
		})
	}
}

// BenchmarkLoad loads in parallel, one in ten operations being a save: over many sessions, and on one.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{100_000, 1} {
		b.Run(fmt.Sprintf("sessions=%d", n), func(b *testing.B) {
			s := open(b, "")
			keys := fill(b, s, n, "", time.Hour)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var rec driver.Record
				for i := 0; pb.Next(); i++ {
					key := keys[mathrand.IntN(n)]
					s.Load(context.Background(), key, &rec)
					if i%10 == 0 {
						s.Save(context.Background(), key, &rec)
					}
				}
			})
		})
	}
}
