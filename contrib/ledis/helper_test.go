package ledis_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ledisdb/ledisdb/config"
	"github.com/ledisdb/ledisdb/server"
	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/ledis"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/sample"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// Some tests run other processes: this test binary with a role.
func TestMain(m *testing.M) {
	if proctest.Run(proctest.Roles{"serve": serve, "write": writers.Write, "hold": hold}) {
		return
	}
	goredis.SetLogger(silent{})
	servertest.Main(m)
}

var writers = proctest.Writers{Provider: ledis.New}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// newServer returns a LedisDB that listens on addr.
func newServer(addr, folder, password string) (*server.App, *config.Config, error) {
	cfg := config.NewConfigDefault()
	cfg.Addr, cfg.DataDir, cfg.AuthPassword = addr, folder, password
	app, err := server.NewApp(cfg)
	return app, cfg, err
}

// serve is the role of a process that is a LedisDB server. It ends when its standard input does.
func serve(config string) error {
	addr, folder, _ := strings.Cut(config, " ")
	app, _, err := newServer(addr, folder, "")
	if err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		app.Close()
	}()
	app.Run()
	return nil
}

// hold is the role of a process that opens a folder, says so, and closes it when its standard input ends.
func hold(config string) error {
	b, err := ledis.Open(context.Background(), driver.Config{Config: config})
	if err != nil {
		return err
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	return b.(io.Closer).Close()
}

// A local is a LedisDB of this process that a test has to itself.
type local struct {
	addr   string
	config *config.Config
}

func newLocal(t testing.TB, password string) *local {
	t.Helper()
	app, cfg, err := newServer("", t.TempDir(), password)
	must(t, err)
	go app.Run()
	t.Cleanup(app.Close)
	return &local{app.Address(), cfg}
}

// bare returns a client of a server, until the test ends.
func bare(t testing.TB, addr string) *goredis.Client {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: addr, Protocol: 2, DisableIdentity: true, MaxRetries: -1})
	t.Cleanup(func() { c.Close() })
	return c
}

// A store is all that a backend is that is not in beego mode.
type store interface {
	driver.Backend
	driver.Counter
	driver.Lister
	driver.UserLister
	driver.AliasLister
	driver.UserLimiter
	driver.Marker
	driver.Renamer
	driver.Clearer
	driver.Pinger
	io.Closer
}

// node opens a node until the test ends.
func node(t testing.TB, config, namespace string) store {
	t.Helper()
	b, err := ledis.Open(t.Context(), driver.Config{Config: config, Namespace: namespace})
	must(t, err)
	t.Cleanup(func() { b.(io.Closer).Close() })
	return b.(store)
}

// nodes returns how to open managers.
func nodes(config string, own ...session.ManagerConfigOpt) func(...session.ManagerConfigOpt) (*session.Manager, error) {
	own = append(own, session.CfgProviderConfig(config))
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		return session.New(ledis.New(), session.NewManagerConfig(slices.Concat(opts, own)...))
	}
}

func at(addr string) string { return fmt.Sprintf(`{"addr": %q}`, addr) }

func in(folder string) string { return fmt.Sprintf(`{"save_path": %q}`, folder) }

// freeAddr returns an address on which nothing listens.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// await waits until something listens on addr.
func await(t testing.TB, addr string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// isEmpty reports whether a folder has no files but LedisDB's lock.
func isEmpty(t testing.TB, folder string) bool {
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	must(t, err)
	return len(files) == 0
}

// The names of package sample that these tests use most.
var must, key, newRecord = sample.Must, sample.Key, sample.Record
