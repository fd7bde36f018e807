package file_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// fill creates n sessions of the given lifetime at the same time, and returns their keys.
func fill(tb testing.TB, s driver.Backend, name string, n int, lifetime time.Duration) []string {
	tb.Helper()
	keys := make([]string, n)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				keys[i] = sessiontest.Key(name + strconv.Itoa(i))
				if err := s.Create(context.Background(), keys[i], newRecord(lifetime)); err != nil {
					tb.Errorf("Create: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	return keys
}

// TestSweepLeavesOthers puts files of somebody else, and what crashes leave, where sessions are.
func TestSweepLeavesOthers(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, "expired", 3, -time.Second)
	live := fill(t, s, "live", 3, time.Hour)
	name := sessionName("live0")
	in := folder + "/" + name[:2]
	data, err := os.ReadFile(filepath.Join(dir, in, name))
	if err != nil {
		t.Fatal(err)
	}
	shape := strings.Repeat("0123456789abcdef", 4)
	long, short := 2*time.Hour, 30*time.Minute
	others := map[string]struct {
		data  string
		age   time.Duration
		sweep bool // goes with a sweep
		clear bool // goes with Clear
	}{
		in + "/tmp-0123456789abcdef":             {"ses1", long, true, true},
		in + "/tmp-fedcba9876543210":             {"ses1", short, false, true},
		in + "/tmp-0123456789ABCDEF":             {"ses1", long, false, false},
		in + "/tmp-0123":                         {"ses1", long, false, false},
		in + "/notes.txt":                        {"mine", long, false, false},
		folder + "/01/" + name:                   {string(data), long, false, false}, // a copy in another folder is none
		in + "/" + shape:                         {string(data), long, false, false}, // a session's place is another folder
		in + "/" + strings.ToUpper(shape):        {string(data), long, false, false},
		folder + "/01/" + shape:                  {"mine", long, false, false},
		folder + "/01/" + shape[:62] + "00":      {"", long, true, true},
		folder + "/01/" + shape[:62] + "01":      {"", short, false, true},
		folder + "/01/" + shape[:62] + "02":      {string(data[:30]), long, true, true},
		folder + "/01/" + shape[:62] + "03":      {string(data[:30]), short, false, true},
		folder + "/01/" + shape[:62] + "04":      {"ses1, which is not all", long, false, false},
		folder + "/01/" + shape[:62] + "0g":      {string(data), long, false, false},
		folder + "/01/23/" + shape:               {string(data), long, false, false},
		folder + "/" + shape:                     {string(data), long, false, false},
		folder + "/tmp-0123456789abcdef":         {"", long, true, false},
		folder + "/tmp-fedcba9876543210":         {"", short, false, false},
		folder + "/0g/" + shape:                  {string(data), long, false, false},
		folder + "/012/" + shape:                 {string(data), long, false, false},
		folder + "/01/2/" + shape:                {string(data), long, false, false},
		folder + "/users/01/notes":               {"mine", long, false, false},
		folder + "/users/01/" + shape + "/notes": {"mine", long, false, false},
		folder + "/locks/notes":                  {"mine", long, false, false},
		"notes":                                  {"mine", long, false, false},
		"sessions-other.v2/01/" + shape:          {string(data), long, false, false},
	}
	for path, other := range others {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(other.data), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-other.age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	check := func(call string, gone func(path string) bool) {
		t.Helper()
		for path, other := range others {
			data, err := os.ReadFile(filepath.Join(dir, path))
			switch {
			case gone(path) && err == nil:
				t.Errorf("%s has left %s", call, path)
			case !gone(path) && (err != nil || string(data) != other.data):
				t.Errorf("%s has removed or changed %s: %v", call, path, err)
			}
		}
	}
	if removed, err := s.(driver.Sweeper).Sweep(t.Context(), nil); removed != 3 || err != nil {
		t.Errorf("Sweep = %d, %v; want 3", removed, err)
	}
	check("Sweep", func(path string) bool { return others[path].sweep })
	for _, key := range live {
		if err := s.Load(t.Context(), key, new(driver.Record)); err != nil {
			t.Errorf("Load after a sweep: %v", err)
		}
	}
	if n, err := s.(driver.Counter).Count(t.Context()); n != 3 || err != nil {
		t.Errorf("Count = %d, %v; want 3", n, err)
	}
	if err := s.(driver.Clearer).Clear(t.Context()); err != nil {
		t.Errorf("Clear: %v", err)
	}
	check("Clear", func(path string) bool { return others[path].sweep || others[path].clear })
	if n, err := s.(driver.Counter).Count(t.Context()); n != 0 || err != nil {
		t.Errorf("Count = %d, %v; want 0", n, err)
	}
}

// TestSweepTogether has nodes sweep at the same time: each record is removed once and counted once.
func TestSweepTogether(t *testing.T) {
	dir := t.TempDir()
	nodes := []driver.Backend{open(t, dir), open(t, dir), open(t, dir)}
	const expired = 500
	fill(t, nodes[0], "expired", expired, -time.Second)
	live := fill(t, nodes[0], "live", 100, time.Hour)
	removed := make([]int, len(nodes))
	var wg sync.WaitGroup
	for i, s := range nodes {
		wg.Go(func() {
			var err error
			if removed[i], err = s.(driver.Sweeper).Sweep(t.Context(), nil); err != nil {
				t.Errorf("Sweep: %v", err)
			}
		})
	}
	wg.Wait()
	if sum := removed[0] + removed[1] + removed[2]; sum != expired {
		t.Errorf("the nodes have removed %d, together %d, want %d", removed, sum, expired)
	}
	if got := records(t, dir); len(got) != len(live) {
		t.Errorf("%d files remain, want %d", len(got), len(live))
	}
}

// TestSweepStops cancels a sweep: it ends soon, and says how many it has removed.
func TestSweepStops(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const expired = 500
	fill(t, s, "expired", expired, -time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for {
			files, _ := filepath.Glob(filepath.Join(dir, folder, "??", "*"))
			if len(files) < expired*9/10 {
				return
			}
		}
	}()
	removed, err := s.(driver.Sweeper).Sweep(ctx, nil)
	if left := len(records(t, dir)); removed+left != expired {
		t.Errorf("Sweep = %d, %v, and %d are left of %d", removed, err, left, expired)
	}
}

// TestSweepBesideRequests sweeps the expired tenth of many sessions while others are loaded and saved, and logs
// how long these calls take, with and without. Nothing about the time is asserted.
func TestSweepBesideRequests(t *testing.T) {
	n := 10_000
	if soak {
		n = 100_000
	}
	if testing.Short() {
		n = 1000
	}
	s := open(t, t.TempDir())
	live := fill(t, s, "live", n*9/10, time.Hour)
	fill(t, s, "expired", n/10, -time.Second)
	without := requests(t, s, live, func() { time.Sleep(2 * time.Second) })
	var took time.Duration
	with := requests(t, s, live, func() {
		start := time.Now()
		if removed, err := s.(driver.Sweeper).Sweep(t.Context(), nil); removed != n/10 || err != nil {
			t.Errorf("Sweep = %d, %v; want %d", removed, err, n/10)
		}
		took = time.Since(start)
	})
	if count, err := s.(driver.Counter).Count(t.Context()); count != len(live) || err != nil {
		t.Errorf("Count = %d, %v; want %d", count, err, len(live))
	}
	t.Logf("%d sessions, sweep of a tenth in %v; without: %v; during: %v", n, took.Round(time.Millisecond), without, with)
}

// requests loads and saves, nine to one, while do runs, and returns how long the calls took.
func requests(tb testing.TB, s driver.Backend, keys []string, do func()) string {
	stop := make(chan struct{})
	const workers = 4
	var loads, saves [workers][]time.Duration
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				var rec driver.Record
				key := keys[rand.IntN(len(keys)/workers)*workers+w] // each has sessions of its own
				start := time.Now()
				if err := s.Load(context.Background(), key, &rec); err != nil {
					tb.Errorf("Load: %v", err)
					return
				}
				loads[w] = append(loads[w], time.Since(start))
				if len(loads[w])%10 == 0 {
					start = time.Now()
					if err := s.Save(context.Background(), key, &rec); err != nil {
						tb.Errorf("Save: %v", err)
						return
					}
					saves[w] = append(saves[w], time.Since(start))
				}
				time.Sleep(100 * time.Microsecond)
			}
		})
	}
	do()
	close(stop)
	wg.Wait()
	return fmt.Sprintf("load %s, save %s", quantiles(slices.Concat(loads[:]...)), quantiles(slices.Concat(saves[:]...)))
}

func quantiles(took []time.Duration) string {
	if len(took) == 0 {
		return "never"
	}
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(time.Microsecond) }
	return fmt.Sprintf("p50 %v p99 %v max %v (%d)", at(0.5), at(0.99), at(1), len(took))
}
