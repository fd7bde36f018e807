package memcache_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	client "github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/memcache"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// floor is a bare call of the client.
func floor(t testing.TB) func(write bool) error {
	c := client.New(empty(t))
	c.MaxIdleConns = 64
	t.Cleanup(func() { c.Close() })
	item := client.Item{Key: "floor", Value: make([]byte, 128), Expiration: 3600}
	must(t, c.Set(&item))
	return func(write bool) error {
		if write {
			return c.Set(&item)
		}
		_, err := c.Get("floor")
		return err
	}
}

func Benchmark(b *testing.B) { sessiontest.Bench(b, harness(memcache.Open, empty)) }

// BenchmarkBackend measures each call on one session, and what a context that can be cancelled costs.
func BenchmarkBackend(b *testing.B) {
	addr := empty(b)
	s := newNode(b, driver.Config{Config: addr})
	rec := newRecord()
	rec.Data = make([]byte, 136)
	never := context.Background()
	must(b, s.Create(never, key(1), rec))
	cancellable, cancel := context.WithCancel(never)
	defer cancel()
	c := client.New(addr)
	defer c.Close()
	name := "session:" + key(1)

	loaded := *rec
	for _, bb := range []struct {
		name string
		call func() error
	}{
		{"Get of the client", func() error { _, err := c.Get(name); return err }},
		{"Load", func() error { return s.Load(never, key(1), &loaded) }},
		{"Load, cancellable", func() error { return s.Load(cancellable, key(1), &loaded) }},
		{"Save", func() error { return s.Save(cancellable, key(1), rec) }},
		{"Load and Save", func() error {
			if err := s.Load(cancellable, key(1), rec); err != nil {
				return err
			}
			return s.Save(cancellable, key(1), rec)
		}},
		{"Touch, not needed", func() error { return s.Touch(cancellable, key(1), rec.Expires) }},
		{"Create and Delete", func() error {
			if err := s.Create(cancellable, key(2), newRecord()); err != nil {
				return err
			}
			return s.Delete(cancellable, key(2), 1)
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(b, bb.call())
			}
		})
	}
}

// BenchmarkSize reports what a session takes of the server's memory.
func BenchmarkSize(b *testing.B) {
	var addr string
	h := harness(memcache.Open, func(t testing.TB) string {
		addr = servertest.StartMemcached(t, servertest.MemcachedOptions{}).Addr
		return addr
	})
	sessiontest.BenchSize(b, h, 50_000, func(b *testing.B) (bytes int64) {
		c := dial(b, addr)
		var size int64 // of the chunks that the lines are about
		for line := c.do("stats slabs", "STAT"); line != "END"; line = c.line() {
			_, field, _ := strings.Cut(line, ":") // STAT 6:chunk_size 304
			name, value, _ := strings.Cut(field, " ")
			n, _ := strconv.ParseInt(value, 10, 64)
			switch name {
			case "chunk_size":
				size = n
			case "used_chunks":
				bytes += n * size
			}
		}
		return bytes
	})
}
