package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/servers"
	"github.com/seed1a8f7c28/session/bench/workload"
)

// An engine is a provider with a setting, on what it needs.
type engine struct {
	name     string // as in the table
	provider string
	start    func(t testing.TB) *servers.Server
	config   func(t library.Target) string
}

// engines are the rows of the table.
var engines = []engine{
	plain("memory", "memory"),
	plain("cookie", "cookie"),
	plain("file", "file"),
	{"file, `\"fsync\": \"full\"`", "file", start("file"), func(t library.Target) string {
		return fmt.Sprintf(`{"path": %q, "fsync": "full"}`, t.Dir)
	}},
	durable("sqlite", "sqlite"),
	embedded("bolt"),
	embedded("badger"),
	embedded("leveldb"),
	embedded("pebble"),
	plain("redis", "redis"),
	durable("redis, `appendfsync always`", "redis"),
	plain("nats", "nats"),
	durable("nats, `sync_interval: always`", "nats"),
	embedded("ledis"),
	plain("memcache", "memcache"),
	durable("postgresql", "postgres"),
	{"pgx", "pgx", startDurable("postgres"), func(t library.Target) string { return t.DSN }},
	durable("mysql", "mysql"),
}

// plain is an engine with the defaults of its server.
func plain(name, backend string) engine {
	return engine{name, backend, start(backend), func(t library.Target) string { return library.Config(backend, t) }}
}

// durable is an engine whose server has each change on its disk before it answers.
func durable(name, backend string) engine {
	e := plain(name, backend)
	e.start = startDurable(backend)
	return e
}

// embedded is an engine in this process, on a path of its own.
func embedded(provider string) engine {
	return engine{provider, provider, start("file"), func(t library.Target) string { return filepath.Join(t.Dir, "sessions") }}
}

func start(backend string) func(t testing.TB) *servers.Server {
	return func(t testing.TB) *servers.Server { return servers.Start(t, backend) }
}

func startDurable(backend string) func(t testing.TB) *servers.Server {
	return func(t testing.TB) *servers.Server { return servers.StartDurable(t, backend) }
}

// figures are what is measured of an engine.
type figures struct {
	reads, writes [len(clients)]float64 // a second, for each number of clients
	bytes         float64               // a session
}

// clients are how many requests are under way at a time.
var clients = [...]int{1, 64}

// Sessions that requests choose from, and sessions whose size is the average.
const (
	many  = 1_000
	sized = 10_000
)

// measure opens the provider on a fresh target and measures it.
func (e engine) measure(s *servers.Server, each time.Duration) (f figures, err error) {
	target, err := s.Fresh()
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.Drop(target)) }()
	app, err := library.Open(e.provider, e.config(target))
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, app.Shut()) }()
	rate := func(kind workload.Kind, lanes int) (float64, error) {
		w := workload.Alone(kind, lanes)
		cookies, err := w.Sessions(app, many)
		if err != nil {
			return 0, err
		}
		r, err := w.Measure(app, cookies, each)
		return float64(time.Second) / r.Wall, err
	}
	for i, lanes := range clients {
		if f.reads[i], err = rate(workload.Read, lanes); err != nil {
			return f, err
		}
		if f.writes[i], err = rate(workload.Write, lanes); err != nil {
			return f, err
		}
	}
	f.bytes, err = e.size(s, target, app)
	return f, err
}

// size returns how many bytes a session takes: in the store, for memory in this process, and for cookies in the browser. 0
// means that it cannot be told this way.
func (e engine) size(s *servers.Server, target library.Target, app *workload.App) (float64, error) {
	switch {
	case slices.Contains([]string{"bolt", "badger", "leveldb", "pebble", "ledis"}, e.provider):
		return 0, nil // their files grow in steps
	case e.provider == "cookie":
		header, err := workload.Alone(workload.Read, 1).Sessions(app, 1)
		return float64(len(header[0])), err
	case s.Stored == nil:
		return workload.Size(app, sized)
	}
	before, err := s.Stored(target)
	if err != nil {
		return 0, err
	}
	if err := workload.BeginAll(app, sized); err != nil {
		return 0, err
	}
	after, err := s.Stored(target)
	runtime.KeepAlive(app)
	return float64(after-before) / sized, err
}
