package redis_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// BenchmarkIfEqual compares the script that saves a session with the least that a native compare-and-set could be: SET with
// IFEQ of Valkey 9, which is given the whole stored value. server-ns/op is the server's CPU time. Run it with
// SESSION_REDIS=valkey; Redis 7 knows no IFEQ.
func BenchmarkIfEqual(b *testing.B) {
	addr, ctx := empty(b), context.Background()
	c := bare(b, addr)
	for _, size := range []int{136, 1024, 8192} {
		b.Run(fmt.Sprintf("script/%d", size), func(b *testing.B) {
			s, rec := node(b, addr, "bench"), newRecord("")
			rec.Data = make([]byte, size)
			must(b, s.Delete(ctx, key(1), 0))
			must(b, s.Create(ctx, key(1), rec))
			measureServer(b, c, func() error { return s.Save(ctx, key(1), rec) })
		})
		b.Run(fmt.Sprintf("IFEQ/%d", size), func(b *testing.B) {
			values := [2][]byte{make([]byte, size+46), bytes.Repeat([]byte{1}, size+46)} // a record has 46 bytes before its data
			must(b, c.Set(ctx, "value", values[0], 0).Err())
			if err := c.Do(ctx, "set", "value", values[0], "ifeq", values[0]).Err(); err != nil {
				b.Skipf("the server has no SET with IFEQ: %v", err)
			}
			until, n := time.Now().Add(time.Hour).UnixMilli(), 0
			measureServer(b, c, func() error {
				n++
				return c.Do(ctx, "set", "value", values[n%2], "ifeq", values[(n+1)%2], "pxat", until).Err()
			})
		})
	}
}

// measureServer is a loop of b that reports the CPU time of the server, too.
func measureServer(b *testing.B, c *goredis.Client, call func() error) {
	b.Helper()
	before := serverCPU(b, c)
	for b.Loop() {
		must(b, call())
	}
	b.StopTimer()
	b.ReportMetric(float64(serverCPU(b, c)-before)/float64(b.N), "server-ns/op")
}

// serverCPU returns the CPU time that the server has taken since it began.
func serverCPU(t testing.TB, c *goredis.Client) time.Duration {
	t.Helper()
	info, err := c.Info(context.Background(), "cpu").Result()
	must(t, err)
	var total float64
	for _, field := range []string{"used_cpu_sys:", "used_cpu_user:"} {
		_, rest, _ := strings.Cut(info, field)
		text, _, _ := strings.Cut(rest, "\r")
		seconds, err := strconv.ParseFloat(text, 64)
		must(t, err)
		total += seconds
	}
	return time.Duration(total * float64(time.Second))
}
