package servertest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A SQLServer is a PostgreSQL, MariaDB or MySQL server.
type SQLServer struct {
	*Server
	User, Password string // may do everything
	Database       string // is there from the start; tests of a shared server use [SQLServer.NewDatabase]

	dsn    func(addr, database string) string
	client func(database, query string) (argv, env []string)
	drop   string // after "DROP DATABASE %s"
	shared bool
}

// SQLOptions say how a server differs from the shared one.
type SQLOptions struct {
	// Durable has every commit on the disk. Otherwise commits survive Kill, but not the end of the machine.
	Durable bool

	// Immediate has Stop end PostgreSQL as pg_ctl's mode of that name does: nothing is finished, and Start recovers as
	// from a crash. Others do not know it.
	Immediate bool

	// TLS has the server speak TLS to clients that ask for it.
	TLS *Certs

	// Config are further settings, "name=value", as in the server's configuration file.
	Config []string
}

// DSN is the data source name of a database of the server: for MariaDB and MySQL as github.com/go-sql-driver/mysql reads it,
// for PostgreSQL a URL. With SQLOptions.TLS the URL asks for TLS with a check of the certificate; for the others the caller adds
// the tls parameter, because it is the name of a configuration that only the caller can register.
func (s *SQLServer) DSN(database string) string { return s.dsn(s.Addr, database) }

// DSNVia is DSN with another address, such as a [Proxy]'s.
func (s *SQLServer) DSNVia(addr, database string) string { return s.dsn(addr, database) }

// NewDatabase makes an empty database and returns its name. On a shared server it is dropped when t ends.
func (s *SQLServer) NewDatabase(t testing.TB) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text()[:12])
	if _, err := s.query(s.Database, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	if s.shared {
		t.Cleanup(func() {
			if _, err := s.query(s.Database, "DROP DATABASE "+name+s.drop); err != nil {
				t.Errorf("dropping a database of the test: %v", err)
			}
		})
	}
	return name
}

// query runs one statement through the server's own client program and returns its rows, tab between columns.
func (s *SQLServer) query(database, query string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	argv, env := s.client(database, query)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", argv[0], err, strings.TrimSpace(string(out)))
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// launchSQL starts s with plan, which sees the address.
func launchSQL(t testing.TB, name string, s *SQLServer, plan plan) *SQLServer {
	t.Helper()
	s.Server = launch(t, name, func(server *Server) error {
		s.Server = server
		return plan(server)
	})
	return s
}

func hostPort(addr string) (host, port string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		panic(err) // the address is of this package's making, or was a proxy's
	}
	return host, port
}
