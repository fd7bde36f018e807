package memcache_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/memcache"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// Some tests run other processes: this test binary with a role and a provider config.
func TestMain(m *testing.M) {
	if !proctest.Run(proctest.Roles{"write": writers.Write}) {
		servertest.Main(m)
	}
}

var writers = proctest.Writers{Provider: func() session.Provider { return session.NewProvider(memcache.Open) }}

// empty returns the address of the shared server, with nothing in it.
func empty(t testing.TB) string {
	t.Helper()
	addr := servertest.Memcached(t).Addr
	dial(t, addr).do("flush_all", "OK")
	return addr
}

type opener = func(context.Context, driver.Config) (driver.Backend, error)

// harness returns the kit's for servers that open connects to with config.
func harness(open opener, config func(t testing.TB) string) sessiontest.Harness {
	return sessiontest.Harness{
		Store: func(t testing.TB) sessiontest.Open {
			text := config(t)
			return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
				c.Config = text
				return open(ctx, c)
			}
		},
		Floor: floor,
	}
}

// A node is all that a backend is.
type node interface {
	driver.Backend
	driver.Pinger
	io.Closer
}

// newNode opens a node until the test ends.
func newNode(t testing.TB, c driver.Config) node {
	t.Helper()
	b, err := memcache.Open(context.Background(), c)
	must(t, err)
	t.Cleanup(func() {
		if err := b.(node).Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b.(node)
}

// newManager makes a manager until the test ends.
func newManager(t testing.TB, config string, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	opts = append([]session.ManagerConfigOpt{session.CfgProviderConfig(config)}, opts...)
	m, err := session.New(session.NewProvider(memcache.Open), session.NewManagerConfig(opts...))
	must(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// newRecord returns a record that lives for an hour.
func newRecord() *driver.Record {
	now := time.UnixMilli(time.Now().UnixMilli())
	return &driver.Record{Created: now, Expires: now.Add(time.Hour), Data: []byte("data")}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// key returns the storage key of number n.
func key(n int) string { return sessiontest.Key(strconv.Itoa(n)) }

// A raw is a connection on which a test speaks the protocol itself.
type raw struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func dial(t testing.TB, addr string) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{conn, t, bufio.NewReader(conn)}
}

// do sends a command and returns the line that answers it, without its end. It has to begin with want.
func (c *raw) do(command, want string) string {
	c.t.Helper()
	fmt.Fprintf(c, "%s\r\n", command)
	line := c.line()
	if !strings.HasPrefix(line, want) {
		c.t.Fatalf("memcached answers %q, want %q", line, want)
	}
	return line
}

func (c *raw) line() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	must(c.t, err)
	return strings.TrimSuffix(line, "\r\n")
}

// left returns for how many seconds memcached keeps an item, -1 for ever.
func (c *raw) left(name string) int {
	c.t.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(c.do("mg "+name+" t", "HD t"), "HD t"))
	must(c.t, err)
	return n
}

// value returns the value of an item.
func (c *raw) value(name string) string {
	c.t.Helper()
	var size int
	_, err := fmt.Sscanf(c.do("get "+name, "VALUE "), "VALUE "+name+" 0 %d", &size)
	must(c.t, err)
	value := make([]byte, size+len("\r\nEND\r\n"))
	_, err = io.ReadFull(c.r, value)
	must(c.t, err)
	return string(value[:size])
}

// set stores an item.
func (c *raw) set(name, value string, seconds int) {
	c.t.Helper()
	c.do(fmt.Sprintf("set %s 0 %d %d\r\n%s", name, seconds, len(value), value), "STORED")
}
