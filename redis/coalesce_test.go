package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// TestSharedTrips lets many goroutines load at once. Each gets its own record, in few trips.
func TestSharedTrips(t *testing.T) {
	proxy := servertest.NewProxy(t, empty(t))
	s := node(t, proxy.Addr, "shared")
	const n = 200
	for i := range n {
		rec := newRecord("")
		rec.Data = []byte(fmt.Sprint("data ", i))
		if i%10 != 0 { // every tenth is not there
			must(t, s.Create(t.Context(), key(i), rec))
		}
	}
	proxy.SetLatency(20 * time.Millisecond)
	proxy.ResetTrips()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var rec driver.Record
			err := s.Load(t.Context(), key(i), &rec)
			switch {
			case i%10 == 0 && !errors.Is(err, session.ErrNotFound):
				t.Errorf("Load of nothing = %v", err)
			case i%10 != 0 && (err != nil || string(rec.Data) != fmt.Sprint("data ", i)):
				t.Errorf("Load %d = %q, %v", i, rec.Data, err)
			}
		})
	}
	wg.Wait()
	if trips := proxy.Trips(); trips > 30 { // a connection's login is one or two of them
		t.Errorf("%d trips for %d loads at once", trips, n)
	}
}

// TestSharedAnswer lets many goroutines load one session at once: the server is asked once a trip.
func TestSharedAnswer(t *testing.T) {
	addr := empty(t)
	proxy := servertest.NewProxy(t, addr)
	s, c := node(t, proxy.Addr, "shared"), bare(t, addr)
	large := newRecord("")
	large.Data = make([]byte, 8<<10)
	must(t, s.Create(t.Context(), key(0), large))
	must(t, c.ConfigResetStat(t.Context()).Err())
	proxy.SetLatency(20 * time.Millisecond)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			var rec driver.Record
			rec.MaxData = i % 2 // every other one may not read it
			err := s.Load(t.Context(), key(0), &rec)
			switch {
			case i%2 == 0 && (err != nil || len(rec.Data) != len(large.Data)):
				t.Errorf("Load = %d bytes, %v", len(rec.Data), err)
			case i%2 == 1 && !errors.Is(err, session.ErrTooLarge):
				t.Errorf("Load of too much = %v", err)
			}
		})
	}
	wg.Wait()
	stats := c.InfoMap(t.Context(), "commandstats").Val()["Commandstats"]["cmdstat_getrange"]
	calls, _, _ := strings.Cut(strings.TrimPrefix(stats, "calls="), ",")
	if n, err := strconv.Atoi(calls); err != nil || n == 0 || n > 20 {
		t.Errorf("200 loads asked %q times", calls)
	}
}

// TestSharedTripOfTheImpatient cancels loads while they wait for a trip, and while they are on one, also the one
// that makes it for the others.
func TestSharedTripOfTheImpatient(t *testing.T) {
	proxy := servertest.NewProxy(t, empty(t))
	s := node(t, proxy.Addr, "impatient")
	for i := range 50 {
		must(t, s.Create(t.Context(), key(i), newRecord("")))
	}
	proxy.SetLatency(30 * time.Millisecond)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			ctx, patience := t.Context(), time.Minute
			if i%2 == 0 {
				patience = time.Duration(i) * 5 * time.Millisecond
				limited, cancel := context.WithTimeout(ctx, patience)
				defer cancel()
				ctx = limited
			}
			begun := time.Now()
			err := s.Load(ctx, key(i), new(driver.Record))
			if err != nil && (i%2 == 1 || !errors.Is(err, context.DeadlineExceeded)) {
				t.Errorf("Load = %v with the patience of %v", err, patience)
			}
			if late := time.Since(begun) - patience; late > 10*time.Second {
				t.Errorf("Load came %v after its caller had given up", late)
			}
		})
	}
	wg.Wait()
}

// TestSharedTripFails breaks the connections under many loads: those that are not answered are made again.
func TestSharedTripFails(t *testing.T) {
	proxy := servertest.NewProxy(t, empty(t))
	s := node(t, proxy.Addr, "broken")
	for i := range 100 {
		must(t, s.Create(t.Context(), key(i), newRecord("")))
	}
	proxy.SetLatency(5 * time.Millisecond)
	for range 5 {
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if err := s.Load(t.Context(), key(i), new(driver.Record)); err != nil {
					t.Errorf("Load = %v", err)
				}
			})
		}
		time.Sleep(12 * time.Millisecond)
		proxy.Reset()
		wg.Wait()
	}
}
