package memory_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

var sessions = flag.Int("sessions", 1_000_000, "how many sessions BenchmarkScale has")

// BenchmarkScale measures one node that has many sessions, a tenth of them expired:
//
//	go test -run '^$' -bench Scale -benchtime 1x ./memory -sessions 10000000
//
// It reports the bytes of a session, the time of a creation and of the sweep, how long requests wait without and with the
// sweep, the share of the processors that the garbage collector uses meanwhile, and how long one collection takes.
// A request finds its session by the cookie, reads a value and releases the session.
func BenchmarkScale(b *testing.B) {
	n := *sessions
	s := open(b, "")
	m, err := session.New(session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return s, nil }),
		session.NewManagerConfig())
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	for b.Loop() {
		before, begin := heap(), time.Now()
		sids := populate(b, s, n)
		b.ReportMetric(float64(time.Since(begin).Nanoseconds())/float64(n), "ns/creation")
		b.ReportMetric(float64(heap()-before-uint64(cap(sids))*uint64(len(sids[0])))/float64(n), "B/session")
		begin = time.Now()
		runtime.GC()
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "ms/collection")

		live := sids[:n-n/10]
		collected, all := cpu()
		stop := visit(b, m, live)
		time.Sleep(20 * time.Second)
		report(b, stop(), "")
		if c, a := cpu(); a > all {
			b.ReportMetric(100*(c-collected)/(a-all), "%GC")
		}

		stop, begin = visit(b, m, live), time.Now()
		if removed, err := s.(driver.Sweeper).Sweep(b.Context(), nil); err != nil || removed != n/10 {
			b.Fatalf("Sweep = %d, %v; want %d", removed, err, n/10)
		}
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "ms/sweep")
		report(b, stop(), "-sweeping")
		if err := s.(driver.Clearer).Clear(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// A shortSID is a sid in half the bytes and without a pointer, so that the collector has only the store's memory to look at.
type shortSID [16]byte

// populate stores n sessions and returns their sids. The last tenth has expired.
func populate(b *testing.B, s driver.Backend, n int) []shortSID {
	sids, data, now := make([]shortSID, n), dataOf(b), time.Now()
	src := rand.NewChaCha8([32]byte{1})
	for i := range sids {
		src.Read(sids[i][:])
		lifetime := time.Hour
		if i >= n-n/10 {
			lifetime = time.Millisecond
		}
		rec := &driver.Record{Created: now, Expires: now.Add(lifetime), Data: bytes.Clone(data)}
		if err := s.Create(b.Context(), hex.EncodeToString(sids[i][:]), rec); err != nil {
			b.Fatal(err)
		}
	}
	return sids
}

// visit begins to make requests, on all processors but one. stop ends that and returns how long each request took, sorted.
func visit(b *testing.B, m *session.Manager, sids []shortSID) (stop func() []time.Duration) {
	done, waits := make(chan struct{}), make([][]time.Duration, max(1, runtime.GOMAXPROCS(0)-1))
	var clients sync.WaitGroup
	for i := range waits {
		waits[i] = make([]time.Duration, 0, 1<<25)
		clients.Go(func() {
			w, r := &header{make(http.Header)}, httptest.NewRequest(http.MethodGet, "/", nil)
			for {
				select {
				case <-done:
					return
				default:
				}
				sid := sids[rand.IntN(len(sids))]
				clear(w.h)
				begin := time.Now()
				r.Header["Cookie"] = []string{"gosessionid=" + hex.EncodeToString(sid[:])}
				s, err := m.Start(w, r)
				if err != nil || s.GetStringDefault(r.Context(), "name", "") == "" {
					b.Errorf("a session is lost: %v", err)
					return
				}
				s.SessionRelease(r.Context(), w)
				waits[i] = append(waits[i], time.Since(begin))
			}
		})
	}
	return func() []time.Duration {
		close(done)
		clients.Wait()
		all := slices.Concat(waits...)
		slices.Sort(all)
		return all
	}
}

// A header is a ResponseWriter for requests whose response does not matter.
type header struct{ h http.Header }

func (h *header) Header() http.Header         { return h.h }
func (h *header) Write(p []byte) (int, error) { return len(p), nil }
func (h *header) WriteHeader(int)             {}

func report(b *testing.B, waits []time.Duration, suffix string) {
	if len(waits) == 0 {
		b.Fatal("no request was made")
	}
	for _, q := range []struct {
		at   float64
		name string
	}{{0.5, "p50-ns"}, {0.99, "p99-ns"}, {0.999, "p99.9-ns"}, {1, "max-ns"}} {
		b.ReportMetric(float64(waits[int(q.at*float64(len(waits)-1))].Nanoseconds()), q.name+suffix)
	}
}

// cpu returns the processor time that the garbage collector had used, and all that there had been, when the last collection
// ended.
func cpu() (collected, all float64) {
	samples := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"}}
	metrics.Read(samples)
	return samples[0].Value.Float64(), samples[1].Value.Float64()
}
