package sqltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

func numbered(n int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return sum[:]
}

// Fill stores records that live for an hour; every tenth one has expired. The sweep's hour matches them, but some live
// records have an earlier hour, as if they had been touched.
func (e Engine) Fill(t testing.TB, db *sql.DB, n int) {
	t.Helper()
	const rows = 500
	d := e.Dialect()
	var text strings.Builder
	text.WriteString("INSERT INTO sessions (ns, id, version, user_id, created_at, auth_at, expires_at, deadline_at, gc_bucket, data) VALUES ")
	const columns = 10
	for i := range rows {
		if i > 0 {
			text.WriteByte(',')
		}
		for j := range columns {
			text.WriteString([]string{"(", ","}[min(j, 1)] + e.mark(i*columns+j+1))
		}
		text.WriteByte(')')
	}
	at := func(tm time.Time) any {
		if d.Time != nil {
			return d.Time(tm)
		}
		return tm.UnixMilli()
	}
	str := func(s string) any {
		if d.Text != nil {
			return d.Text(s)
		}
		return s
	}
	now, data := time.Now(), make([]byte, 128)
	hour := now.UnixMilli() / 3_600_000
	order, ids := make([]int, n), make([][]byte, n) // sorted by id, or a million rows would take an hour in tables sorted by id
	for i := range order {
		order[i], ids[i] = i, numbered(i)
	}
	slices.SortFunc(order, func(i, j int) int { return bytes.Compare(ids[i], ids[j]) })
	for begin := 0; begin < n; begin += rows {
		args := make([]any, 0, rows*columns)
		for _, i := range order[begin : begin+rows] {
			expires, bucket := now.Add(time.Hour), hour+2
			switch {
			case i%10 == 0:
				expires, bucket = now.Add(-time.Duration(i)*time.Millisecond), hour+1-int64(i/10%2)
			case i%10 == 1:
				bucket = hour
			}
			args = append(args, str(""), ids[i], int64(1), nil, at(now), at(now), at(expires), at(now.Add(24*time.Hour)), bucket, data)
		}
		Exec(t, db, text.String(), args...)
	}
}

// sweepSize is the number of records to sweep. A tenth of them has expired.
func (e Engine) sweepSize() int {
	switch {
	case os.Getenv("SESSION_SOAK") != "":
		return 1_000_000
	case e.Server == nil && raced:
		return 5_000
	case raced:
		return 60_000 // more than a sweep reads at once
	}
	return 100_000
}

// sweep lets two nodes sweep together while clients read. It checks that each expired record is removed by one of them, and
// logs how long reads take with and without a sweep.
func (e Engine) sweep(t *testing.T, n int) {
	dsn := e.Empty(t)
	db := e.DB(t, dsn)
	nodes := []driver.Backend{e.own(t, dsn, 0), e.own(t, dsn, 0)}
	e.Fill(t, db, n)

	quiet := e.reads(t, nodes[0], n, time.Second, nil)
	begin, done := time.Now(), make(chan struct{})
	var removed [2]int
	told := make(map[string]bool)
	var took time.Duration
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		for i, expired := range []func(key, user string){nil, func(key, _ string) { told[key] = true }} {
			wg.Go(func() {
				var err error
				if removed[i], err = nodes[i].(driver.Sweeper).Sweep(context.Background(), expired); err != nil {
					t.Errorf("Sweep: %v", err)
				}
			})
		}
		wg.Wait()
		took = time.Since(begin)
	}()
	busy := e.reads(t, nodes[0], n, time.Second, done)
	<-done
	t.Logf("%d expired among %d: %d and %d removed in %v; p99 of reads %v without, %v with a sweep",
		n/10, n, removed[0], removed[1], took.Round(time.Millisecond), quiet, busy)
	if removed[0]+removed[1] != n/10 {
		t.Errorf("two nodes removed %d and %d, want %d together", removed[0], removed[1], n/10)
	}
	if len(told) != removed[1] {
		t.Errorf("a node tells of %d records, and has removed %d", len(told), removed[1])
	}
	if rows, live := Int(t, db, "SELECT count(*) FROM sessions"), n-n/10; rows != live {
		t.Errorf("%d rows remain, want %d", rows, live)
	}
	now := time.Now().UnixMilli()
	if behind := Int(t, db, "SELECT count(*) FROM sessions WHERE gc_bucket <= "+e.mark(1), now/3_600_000); behind > 0 {
		t.Errorf("%d live rows have an hour that is over, want none", behind)
	}
	if again, err := nodes[1].(driver.Sweeper).Sweep(t.Context(), nil); err != nil || again != 0 {
		t.Errorf("another Sweep = %d, %v, want 0", again, err)
	}
}

// reads loads live records, four at a time, for d and until done is closed. It returns the 99th percentile of the
// durations.
func (e Engine) reads(t *testing.T, b driver.Backend, n int, d time.Duration, done <-chan struct{}) time.Duration {
	t.Helper()
	var (
		mu  sync.Mutex
		all []time.Duration
		wg  sync.WaitGroup
	)
	over := func(begin time.Time) bool {
		if time.Since(begin) < d {
			return false
		}
		select {
		case <-done:
			return true
		default:
			return done == nil
		}
	}
	begin := time.Now()
	for range 4 {
		wg.Go(func() {
			var own []time.Duration
			for !over(begin) {
				key := base64.RawURLEncoding.EncodeToString(numbered(10*rand.N(n/10) + 5))
				asked := time.Now()
				if err := b.Load(context.Background(), key, new(driver.Record)); err != nil {
					t.Errorf("Load: %v", err)
					return
				}
				own = append(own, time.Since(asked))
				time.Sleep(time.Millisecond)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
		})
	}
	wg.Wait()
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)*99/100].Round(10 * time.Microsecond)
}
