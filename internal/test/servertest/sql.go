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
	Database       string // exists from the start; tests of a shared server use [SQLServer.NewDatabase]

	dsn    func(addr, database string) string
	client func(database, query string) (argv, env []string)
	drop   string // after "DROP DATABASE %s"
	shared bool
}

// SQLOptions are the differences from the shared server.
type SQLOptions struct {
	// Durable makes every commit wait for the disk. Otherwise commits survive Kill, but not a crash of the machine.
	Durable bool

	// Immediate makes Stop shut PostgreSQL down in pg_ctl's immediate mode: nothing is finished, and Start recovers as
	// after a crash. The other servers ignore it.
	Immediate bool

	// TLS makes the server accept TLS.
	TLS *Certs

	// Config contains additional settings, "name=value", as in the server's configuration file.
	Config []string
}

// DSN returns the data source name of a database of the server. For MariaDB and MySQL it is in the form of
// github.com/go-sql-driver/mysql, for PostgreSQL it is a URL. With SQLOptions.TLS the URL asks for TLS and checks the
// certificate. For the other servers the caller adds the tls parameter, because it names a configuration that only the
// caller can register.
func (s *SQLServer) DSN(database string) string { return s.dsn(s.Addr, database) }

// DSNVia is DSN with another address, such as a [Proxy]'s.
func (s *SQLServer) DSNVia(addr, database string) string { return s.dsn(addr, database) }

// NewDatabase creates an empty database and returns its name. On a shared server it is dropped when t ends.
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
