// Package servers provides an empty target on each backend for each library.
package servers

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/go-sql-driver/mysql" // creates databases
	_ "github.com/lib/pq"
	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A Server is a started backend, or one that needs no server.
type Server struct {
	// Stored returns how many bytes the sessions of a target take, nil if nobody can tell from outside.
	Stored func(library.Target) (int64, error)

	Version string // as the server reports it; "" without a server

	addr  string
	fresh func() (library.Target, error)
	drop  func(library.Target) error // nil if there is nothing to drop
}

// Start starts the server that backend needs. It stops when t ends.
func Start(t testing.TB, backend string) *Server {
	t.Helper()
	s, err := start(t, backend, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// StartDurable starts a server that has each change on its disk before it answers, if it can.
func StartDurable(t testing.TB, backend string) *Server {
	t.Helper()
	s, err := start(t, backend, true)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func start(t testing.TB, backend string, durable bool) (*Server, error) {
	t.Helper()
	switch backend {
	case "memory", "cookie":
		return &Server{fresh: func() (library.Target, error) { return library.Target{}, nil }}, nil
	case "file", "sqlite":
		return folders(t), nil
	case "redis":
		return redisAt(servertest.StartRedis(t, servertest.RedisOptions{Append: durable}).Addr)
	case "nats":
		return natsServer(t, durable)
	case "memcache":
		return memcached(servertest.StartMemcached(t, servertest.MemcachedOptions{Megabytes: 256}).Addr)
	case "postgres":
		return databases(t, "postgres", "SHOW server_version", servertest.StartPostgres(t, servertest.SQLOptions{Durable: durable}))
	case "mysql":
		return databases(t, "mysql", "SELECT version()", servertest.StartMariaDB(t, servertest.SQLOptions{Durable: durable}))
	}
	return nil, fmt.Errorf("no backend %q", backend)
}

// Fresh returns an empty target.
func (s *Server) Fresh() (library.Target, error) { return s.fresh() }

// Drop removes a target and its content.
func (s *Server) Drop(t library.Target) error {
	if s.drop == nil {
		return nil
	}
	return s.drop(t)
}

// Addr returns the address of the server, "" without one.
func (s *Server) Addr() string { return s.addr }

// Via returns t with another address of the server, such as a proxy's.
func (s *Server) Via(addr string, t library.Target) library.Target {
	if t.Addr != "" {
		t.Addr = addr
	}
	t.DSN = strings.Replace(t.DSN, s.addr, addr, 1)
	return t
}

func folders(t testing.TB) *Server {
	root := t.TempDir()
	return &Server{
		fresh: func() (library.Target, error) {
			dir, err := os.MkdirTemp(root, "")
			return library.Target{Dir: dir}, err
		},
		drop:   func(t library.Target) error { return os.RemoveAll(t.Dir) },
		Stored: folderSize,
	}
}

func redisAt(addr string) (*Server, error) {
	client := redis.NewClient(&redis.Options{Addr: addr})
	info, err := client.InfoMap(context.Background(), "server").Result()
	if err != nil {
		return nil, err
	}
	return &Server{
		Version: "Redis " + info["Server"]["redis_version"],
		addr:    addr,
		fresh: func() (library.Target, error) {
			return library.Target{Addr: addr}, client.FlushAll(context.Background()).Err()
		},
		Stored: redisMemory(client),
	}, nil
}

// databases creates a separate database for each target.
func databases(t testing.TB, driver, version string, server *servertest.SQLServer) (*Server, error) {
	admin, err := sql.Open(driver, server.DSN(server.Database))
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = admin.Close() })
	s := &Server{addr: server.Addr, Stored: tableSize(driver)}
	if err := admin.QueryRow(version).Scan(&s.Version); err != nil {
		return nil, err
	}
	if driver == "postgres" {
		s.Version = "PostgreSQL " + s.Version
	}
	var made atomic.Int64
	name := func(dsn string) string {
		path, _, _ := strings.Cut(dsn, "?")
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	s.fresh = func() (library.Target, error) {
		database := fmt.Sprintf("bench%d", made.Add(1))
		_, err := admin.Exec("CREATE DATABASE " + database)
		return library.Target{DSN: server.DSN(database)}, err
	}
	s.drop = func(t library.Target) error {
		force := ""
		if driver == "postgres" {
			force = " WITH (FORCE)"
		}
		_, err := admin.Exec("DROP DATABASE " + name(t.DSN) + force)
		return err
	}
	return s, nil
}
