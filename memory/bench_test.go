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
	"slices"
	"sync"
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

// BenchmarkSweep reports how long a reader waits for one of a million sessions while the expired tenth is
// swept, against the same readers left alone. One processor is left to the sweep.
func BenchmarkSweep(b *testing.B) {
	for _, sweeping := range []bool{false, true} {
		b.Run(fmt.Sprintf("sweeping=%t", sweeping), func(b *testing.B) {
			const n = 1_000_000
			s := open(b, "")
			keys := fill(b, s, n*9/10, "", time.Hour)
			var waits []time.Duration
			var took time.Duration
			for b.Loop() {
				b.StopTimer()
				fill(b, s, n/10, "", time.Millisecond)
				time.Sleep(10 * time.Millisecond)
				runtime.GC()
				b.StartTimer()
				stop := readers(s, keys, max(1, runtime.GOMAXPROCS(0)-1))
				start := time.Now()
				if sweeping {
					if removed, err := s.(driver.Sweeper).Sweep(b.Context(), nil); err != nil || removed != n/10 {
						b.Fatalf("Sweep = %d, %v; want %d", removed, err, n/10)
					}
				} else {
					time.Sleep(200 * time.Millisecond)
				}
				took += time.Since(start)
				waits = append(waits, stop()...)
				b.StopTimer()
				s.(driver.Sweeper).Sweep(b.Context(), nil)
				b.StartTimer()
			}
			slices.Sort(waits)
			at := func(q float64) float64 { return float64(waits[int(q*float64(len(waits)-1))].Nanoseconds()) }
			b.ReportMetric(at(0.5), "p50-ns")
			b.ReportMetric(at(0.99), "p99-ns")
			b.ReportMetric(at(0.999), "p99.9-ns")
			b.ReportMetric(at(1), "max-ns")
			b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ms/round")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// readers starts n goroutines that load records. stop ends them and returns how long each load took.
func readers(s driver.Backend, keys []string, n int) (stop func() []time.Duration) {
	done := make(chan struct{})
	waits := make([][]time.Duration, n)
	var wg sync.WaitGroup
	for i := range waits {
		waits[i] = make([]time.Duration, 0, 4<<20)
		wg.Go(func() {
			var rec driver.Record
			for {
				select {
				case <-done:
					return
				default:
				}
				key := keys[mathrand.IntN(len(keys))]
				start := time.Now()
				s.Load(context.Background(), key, &rec)
				waits[i] = append(waits[i], time.Since(start))
			}
		})
	}
	return func() []time.Duration {
		close(done)
		wg.Wait()
		return slices.Concat(waits...)
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
