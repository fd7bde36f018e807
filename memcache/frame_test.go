package memcache_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A wire passes connections on to a server and keeps what clients have sent.
type wire struct {
	addr string
	mu   sync.Mutex
	sent []*bytes.Buffer // one a connection
}

func tap(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w := &wire{addr: l.Addr().String()}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", target)
			if err != nil {
				t.Error(err)
				from.Close()
				return
			}
			sent := new(bytes.Buffer)
			w.mu.Lock()
			w.sent = append(w.sent, sent)
			w.mu.Unlock()
			wg.Go(func() { io.Copy(from, to); from.Close() })
			wg.Go(func() { io.Copy(to, io.TeeReader(from, locked{w, sent})); to.Close() })
		}
	})
	return w
}

// locked writes to a buffer with the wire's lock.
type locked struct {
	w      *wire
	buffer *bytes.Buffer
}

func (l locked) Write(p []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.buffer.Write(p)
}

var command = regexp.MustCompile(
	`^(?:gets|delete|touch|add|cas) ([A-Za-z0-9_%~-]+:[A-Za-z0-9_-]+)(?: 0 (?:-1|[1-9][0-9]*) ([0-9]+)(?: [0-9]+)?)?\r\n$|^version\r\n$`)

// check reads the commands as a server does: each is one line of a known form, and what follows an add or a cas are
// as many bytes as it says, and the end of a line.
func (w *wire) check(t *testing.T) (commands int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sent := range w.sent {
		for sent.Len() > 0 {
			line, _ := sent.ReadString('\n')
			m := command.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("a line is %q", line)
			}
			if len(m[1]) > 250 {
				t.Errorf("a name has %d bytes", len(m[1]))
			}
			commands++
			if m[2] != "" {
				size, _ := strconv.Atoi(m[2])
				if value := sent.Next(size + 2); len(value) != size+2 || !bytes.HasSuffix(value, []byte("\r\n")) {
					t.Fatalf("a value of %d bytes, want %d and the end of a line, after %q", len(value), size, line)
				}
			}
		}
	}
	return commands
}

var hostile = []string{
	"a\r\nset injected 0 0 1\r\nx\r\n", "a b", "a\nb", "a\x00b", "\r\n", " ", "get", "noreply", "%0d%0aflush_all", "ünïcode",
	strings.Repeat("k", 251), strings.Repeat("\r\n", 200), "version\r\nflush_all\r\n", "../../x", "session:x", "~", ":",
}

// TestFraming gives to the provider what an attacker can choose, and more: keys, namespaces, sids in cookies, headers and
// queries, names and values.
func TestFraming(t *testing.T) {
	addr := empty(t)
	w := tap(t, addr)
	ctx := t.Context()
	for _, namespace := range append(hostile, "", "app") {
		b := newNode(t, driver.Config{Config: w.addr, Namespace: namespace})
		for i, key := range append(hostile, key(1)) {
			rec := newRecord()
			rec.Data = []byte("x\r\nset injected 0 0 1\r\nx\r\n")
			rec.User = key
			err := b.Create(ctx, key, rec)
			if (err == nil) != (i == len(hostile)) && !plain.MatchString(key) {
				t.Errorf("Create(%q) = %v", key, err)
			}
			b.Load(ctx, key, rec)
			rec.Version = 1
			b.Save(ctx, key, rec)
			b.Touch(ctx, key, rec.Expires.Add(time.Minute))
			b.Delete(ctx, key, 7)
			b.Delete(ctx, key, 2)
			b.Delete(ctx, key, 0)
		}
	}
	m := newManager(t, w.addr, session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session"),
		session.CfgEnableSidInURLQuery(true))
	for _, sid := range hostile {
		for _, r := range []func() string{
			func() string { return "gosessionid=" + sid },
			func() string { return "gosessionid=" + url.QueryEscape(sid) },
		} {
			req := httptest.NewRequest("GET", "/?gosessionid="+url.QueryEscape(sid), nil)
			req.Header["Cookie"] = []string{r()}
			req.Header["X-Session"] = []string{sid}
			s, err := m.Start(httptest.NewRecorder(), req)
			must(t, err)
			must(t, s.Set(ctx, sid, sid))
			must(t, s.Save(ctx))
			must(t, m.Destroy(httptest.NewRecorder(), req))
		}
	}
	c := dial(t, addr)
	c.do("get injected", "END")
	commands := w.check(t)
	if commands < 500 {
		t.Errorf("%d commands were seen", commands)
	}
	t.Logf("%d commands", commands)
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// TestTheRawProtocolInjects checks that the frames' test would see it: a server does what is injected.
func TestTheRawProtocolInjects(t *testing.T) {
	c := dial(t, empty(t))
	fmt.Fprintf(c, "get %s\r\n", "a\r\nset injected 0 0 1\r\nx")
	for _, want := range []string{"END", "STORED"} {
		if line := c.line(); line != want {
			t.Errorf("memcached answers %q, want %q", line, want)
		}
	}
}
