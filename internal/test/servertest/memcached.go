package servertest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

var sharedMemcached shared[*Server]

// Memcached returns the memcached that all tests of the binary share.
func Memcached(t testing.TB) *Server {
	t.Helper()
	return sharedMemcached.get(t, func(t testing.TB) *Server { return StartMemcached(t, MemcachedOptions{}) })
}

// MemcachedOptions are the differences from the shared memcached.
type MemcachedOptions struct {
	// User and Password are asked for in the text protocol, by a first set of any key with "user password" as its data.
	User, Password string

	// TLS makes Addr accept only TLS.
	TLS *Certs

	// Megabytes is the memory for items; zero means 64.
	Megabytes int

	// Args are additional command-line arguments.
	Args []string
}

// StartMemcached starts a memcached for t and stops it when t ends. It is empty after every Start.
func StartMemcached(t testing.TB, o MemcachedOptions) *Server {
	t.Helper()
	program := programs(t, "memcached")["memcached"]
	return launch(t, "memcached", func(s *Server) error {
		_, port, err := net.SplitHostPort(s.Addr)
		if err != nil {
			return err
		}
		if o.Megabytes == 0 {
			o.Megabytes = 64
		}
		s.argv = []string{program, "-l", "127.0.0.1", "-p", port, "-U", "0", "-m", fmt.Sprint(o.Megabytes)}
		if o.User != "" {
			file, err := writeFile(s.dir, "users", o.User+":"+o.Password+"\n")
			if err != nil {
				return err
			}
			s.argv = append(s.argv, "-Y", file)
		}
		if o.TLS != nil {
			files, err := o.TLS.copyTo(s.dir)
			if err != nil {
				return err
			}
			s.argv = append(s.argv, "-Z", "-o", "ssl_chain_cert="+files.ServerCert+",ssl_key="+files.ServerKey)
		}
		s.argv = append(s.argv, o.Args...)
		s.answer = func() error {
			c, err := dialMemcached(s.Addr, o)
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.do("version", "VERSION ")
			return err
		}
		return nil
	})
}

// A memcachedConn speaks the text protocol, as far as this package and its tests need it.
type memcachedConn struct {
	net.Conn
	r *bufio.Reader
}

func dialMemcached(addr string, o MemcachedOptions) (*memcachedConn, error) {
	var conn net.Conn
	var err error
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	if o.TLS != nil {
		conn, err = tls.DialWithDialer(dialer, "tcp", addr, o.TLS.Client)
	} else {
		conn, err = dialer.Dial("tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	c := &memcachedConn{conn, bufio.NewReader(conn)}
	if o.User != "" {
		login := o.User + " " + o.Password
		if _, err := c.do(fmt.Sprintf("set login 0 0 %d\r\n%s", len(login), login), "STORED"); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return c, nil
}

// do sends a command and returns the line that answers it. One that does not begin with want is an error.
func (c *memcachedConn) do(command, want string) (string, error) {
	c.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := fmt.Fprintf(c, "%s\r\n", command); err != nil {
		return "", err
	}
	line, err := c.r.ReadString('\n')
	if err == nil && !strings.HasPrefix(line, want) {
		err = fmt.Errorf("memcached: %q", line)
	}
	return line, err
}
