package redis_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// A liar passes connections on to a server until it has an answer of its own, which it gives to whatever is asked.
type liar struct {
	addr   string
	answer atomic.Pointer[string]
}

func newLiar(t *testing.T, target string) *liar {
	t.Helper()
	in, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { in.Close() })
	l := &liar{addr: in.Addr().String()}
	go func() {
		for {
			from, err := in.Accept()
			if err != nil {
				return
			}
			go l.serve(from, target)
		}
	}()
	return l
}

func (l *liar) serve(from net.Conn, target string) {
	defer from.Close()
	to, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer to.Close()
	go io.Copy(from, to)
	for p := make([]byte, 4096); ; {
		n, err := from.Read(p)
		if err != nil {
			return
		}
		out, text := to, p[:n]
		if answer := l.answer.Load(); answer != nil {
			out, text = from, []byte(*answer)
		}
		if _, err := out.Write(text); err != nil {
			return
		}
	}
}

// lies are what a server may announce.
var lies = []struct{ name, answer, says string }{
	{"string near 2^63", "$9223372036854775800\r\n", "bytes"},
	{"a gigabyte", "$1073741824\r\n", "bytes"},
	{"list", "*2000000000\r\n", "elements"},
	{"lists in lists", strings.Repeat("*1\r\n", 1000), "lists"},
	{"map", "%1000000000\r\n", "elements"},
	{"string in a list", inAList, "bytes"},
}

// inAList is a lie in whatever form a list is expected.
const inAList = "*2\r\n$9223372036854775800\r\n"

// TestHostileServer has a server announce more than there can be: it is an error, costs next to no memory, and the next
// call is served.
func TestHostileServer(t *testing.T) {
	addr := empty(t)
	for _, tt := range lies {
		t.Run(tt.name, func(t *testing.T) {
			l := newLiar(t, addr)
			b, ctx, rec := node(t, l.addr, "app"), t.Context(), newRecord("")
			must(t, b.Create(ctx, key(1), rec))
			defer b.Delete(ctx, key(1), 0)
			l.answer.Store(&tt.answer)
			before := allocated()
			for name, err := range map[string]error{
				"Load": b.Load(ctx, key(1), new(driver.Record)), "Save": b.Save(ctx, key(1), rec), "Ping": b.Ping(ctx),
			} {
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%s = %v, want an error that says %q", name, err, tt.says)
				}
			}
			if n := allocated() - before; n > 8<<20 {
				t.Errorf("the calls have allocated %d bytes", n)
			}
			l.answer.Store(nil)
			must(t, b.Load(ctx, key(1), rec))
		})
	}
}

// TestHostileSentinel has a sentinel lie.
func TestHostileSentinel(t *testing.T) {
	config, s := sentinelConfig(t), servertest.RedisSentinel(t)
	_, rest, _ := strings.Cut(config, ",")
	l := newLiar(t, s.Addrs[0])
	b := opened(t, redis.OpenSentinel, driver.Config{Config: l.addr + "," + rest, Namespace: "app"}).(store)
	l.answer.Store(new(inAList))
	_, err := redis.OpenSentinel(t.Context(), driver.Config{Config: l.addr + "," + rest})
	if err == nil || !strings.Contains(err.Error(), "sentinel") {
		t.Errorf("OpenSentinel = %v, want an error", err)
	}
	must(t, b.Ping(t.Context())) // the master is known
}

// TestHostileNode has a node of a cluster lie.
func TestHostileNode(t *testing.T) {
	l := newLiar(t, strings.Split(clusterConfig(t), ";")[0])
	l.answer.Store(new(inAList))
	_, err := redis.OpenCluster(t.Context(), driver.Config{Config: l.addr})
	if err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("OpenCluster = %v, want an error that says what is announced", err)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestLargest checks that what is stored can be read: there is no larger session than a connection lets through.
func TestLargest(t *testing.T) {
	config := `{"addr": "` + empty(t) + `", "readTimeout": 60, "writeTimeout": 60}`
	ctx, rec := t.Context(), newRecord("")
	data := bytes.Repeat([]byte{'x'}, 64<<20)
	for name, b := range map[string]driver.Backend{
		"records": node(t, config, "app"),
		"beego":   opened(t, redis.Open, driver.Config{Config: config, Beego: true, Lifetime: time.Hour}),
	} {
		must(t, b.Create(ctx, key(1), rec))
		for name, store := range map[string]func(rec *driver.Record) error{
			"Create": func(rec *driver.Record) error { return b.Create(ctx, key(2), rec) },
			"Save":   func(rec *driver.Record) error { return b.Save(ctx, key(1), rec) },
			"Rename": func(rec *driver.Record) error {
				if r, ok := b.(driver.Renamer); ok {
					return r.Rename(ctx, key(1), 1, key(2), rec, driver.Mark{})
				}
				return session.ErrTooLarge
			},
		} {
			large := *rec
			large.Data = append(data[:len(data):len(data)], 'x')
			if err := store(&large); !errors.Is(err, session.ErrTooLarge) {
				t.Errorf("%s of more than 64 MiB = %v, want ErrTooLarge", name, err)
			}
		}
		rec.Data = data[:len(data)-100]
		must(t, b.Save(ctx, key(1), rec))
		must(t, b.Load(ctx, key(1), rec))
		if len(rec.Data) != len(data)-100 {
			t.Errorf("%s: %d bytes came back", name, len(rec.Data))
		}
		must(t, b.Delete(ctx, key(1), 0))
		*rec = *newRecord("")
	}
}

// TestHostileServerOfAClient shows why an application's own client is told of in docs/security.md: nothing is before it.
func TestHostileServerOfAClient(t *testing.T) {
	l := newLiar(t, empty(t))
	c := goredis.NewClient(&goredis.Options{Addr: l.addr, MaxRetries: -1})
	defer c.Close()
	must(t, c.Ping(t.Context()).Err())
	l.answer.Store(&lies[0].answer)
	defer func() {
		if recover() == nil {
			t.Error("go-redis no longer panics: docs/security.md can say so")
		}
	}()
	c.Get(t.Context(), "key")
}

// TestAStringThatNoConnectionLetsThrough has somebody write a session that is larger than any: it is listed and ended as others are.
func TestAStringThatNoConnectionLetsThrough(t *testing.T) {
	addr := empty(t)
	c := bare(t, addr)
	m, err := session.New(session.NewProvider(redis.Open), session.NewManagerConfig(session.CfgProviderConfig(addr),
		session.CfgOnDestroy(func(context.Context, session.Event) {}), session.CfgMaxBytes(math.MaxInt32)))
	must(t, err)
	defer m.Close()
	for name, end := range map[string]func(s *session.Session, r *http.Request) error{
		"Destroy":     func(_ *session.Session, r *http.Request) error { return m.Destroy(httptest.NewRecorder(), r) },
		"DestroyByID": func(s *session.Session, _ *http.Request) error { return m.DestroyByID(t.Context(), s.ID()) },
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		s, err := m.Start(w, r)
		must(t, err)
		must(t, s.Login(t.Context(), "ann"))
		must(t, c.SetRange(t.Context(), "session:{"+s.ID()+"}", 65<<20, "x").Err())
		if _, err := m.Start(httptest.NewRecorder(), r); !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("Start = %v", err)
		}
		if infos, err := m.SessionsOf(t.Context(), "ann"); err != nil || len(infos) != 1 {
			t.Errorf("SessionsOf = %d, %v", len(infos), err)
		}
		if err := end(s, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n, err := m.Count(t.Context()); n != 0 || err != nil {
			t.Errorf("%s leaves %d sessions, %v", name, n, err)
		}
	}
}
