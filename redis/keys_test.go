package redis_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// monitor runs do and returns the keys of all commands that reach the server meanwhile, those of scripts too.
func monitor(t *testing.T, addr string, do func()) (keys []string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	must(t, err)
	defer c.Close()
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, 1<<22)
	fmt.Fprint(c, "MONITOR\r\n")
	lines.Scan()
	do()
	must(t, bare(t, addr).Do(context.Background(), "echo", "the end").Err())
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	word := regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	for lines.Scan() {
		var args []string
		for _, m := range word.FindAllStringSubmatch(lines.Text(), -1) {
			args = append(args, m[1])
		}
		switch strings.ToLower(args[0]) {
		case "echo":
			return keys
		case "evalsha", "eval":
			keys = append(keys, args[3])
		case "ping", "scan", "hello", "client", "select", "info", "config":
		default:
			keys = append(keys, args[1])
		}
	}
	t.Fatal("the monitor ended early")
	return nil
}

const hostileUser = "ann\r\nDEL {x} * ? [a] \\ u:{y}"

// TestKeyShapes checks that all keys that reach the server have the documented form, whatever users and
// namespaces are called and clients send.
func TestKeyShapes(t *testing.T) {
	addr := empty(t)
	shape := regexp.MustCompile(`^[A-Za-z0-9_%-]+:(gone|([ua]:)?\{([A-Za-z0-9_-]{43}|probe[0-7]?)\})$`)
	for _, namespace := range []string{"", "app", "a:u", "{x}", "a*[b]?\\", "ü", "session"} {
		keys := monitor(t, addr, func() {
			b := node(t, addr, namespace)
			ctx, rec := t.Context(), newRecord(hostileUser)
			_, err := b.Reserve(ctx, hostileUser, key(1), rec.Expires, 1, true)
			must(t, err)
			must(t, b.Create(ctx, key(1), rec))
			_, err = b.Reserve(ctx, hostileUser, key(2), rec.Expires, 1, true)
			must(t, err)
			must(t, b.Create(ctx, key(2), rec))
			rec.User = "another"
			must(t, b.Save(ctx, key(2), rec))
			must(t, b.Touch(ctx, key(2), rec.Expires.Add(100*time.Hour)))
			for _, err := range b.ListUser(ctx, "another") {
				must(t, err)
			}
			for _, err := range b.List(ctx) {
				must(t, err)
			}
			must(t, b.Delete(ctx, key(2), 2))
			for _, bad := range []string{"", "*", "a b", "x}", "\r\nflushall", strings.Repeat("x", 1000)} {
				b.Load(ctx, bad, rec)
				b.Create(ctx, bad, rec)
				b.Save(ctx, bad, rec)
				b.Touch(ctx, bad, rec.Expires)
				b.Delete(ctx, bad, 0)
			}
			must(t, b.Clear(ctx))
		})
		if len(keys) < 20 {
			t.Errorf("namespace %q: saw %d keys only", namespace, len(keys))
		}
		for _, key := range keys {
			if !shape.MatchString(key) {
				t.Errorf("namespace %q: a command had the key %q", namespace, key)
			}
		}
	}
}

// TestForeignKeys has clients send names of keys that others have in the server: none of them is asked for.
func TestForeignKeys(t *testing.T) {
	addr := empty(t)
	c, ctx := bare(t, addr), t.Context()
	m, err := session.New(session.NewProvider(redis.Open), session.NewManagerConfig(session.CfgProviderConfig(addr)))
	must(t, err)
	defer m.Close()
	foreign := strings.Repeat("0123456789abcdef", 2) // it looks like a sid
	must(t, c.Set(ctx, foreign, "precious", 0).Err())
	must(t, c.Set(ctx, "other:{x}", "precious", 0).Err())
	keys := monitor(t, addr, func() {
		for _, cookie := range []string{foreign, "other:{x}", "session:{" + sessiontest.Key("a") + "}", "*", "../x", sessiontest.Key(foreign)} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", "gosessionid="+cookie)
			s, err := m.Start(httptest.NewRecorder(), r)
			must(t, err)
			must(t, s.Set(ctx, "x", 1))
			must(t, s.Save(ctx))
			must(t, m.Destroy(httptest.NewRecorder(), r))
		}
	})
	for _, key := range keys {
		if !strings.HasPrefix(key, "session:{") && key != "session:gone" || strings.Contains(key, foreign) {
			t.Errorf("a command had the key %q", key)
		}
	}
	if n := c.DBSize(ctx).Val(); n != 2 || c.Get(ctx, foreign).Val() != "precious" {
		t.Errorf("%d keys are left, want the 2 foreign ones", n)
	}
}

// TestNamespaces checks that namespaces with names that are alike, or mean something to Redis, never meet.
func TestNamespaces(t *testing.T) {
	addr := empty(t)
	namespaces := []string{
		"", "session", "%73ession", "a", "ab", "a*", "a?", "[ab]", "a:", "a:u", "a:u:{x}", "{a}", "a}", `a\`, `a\*`, "A", "a b", "a%3A",
		"ä", "\x00", "*", strings.Repeat("x", 300),
	}
	ctx := t.Context()
	nodes := make(map[string]store)
	for _, namespace := range namespaces {
		b := node(t, addr, namespace)
		nodes[namespace] = b
		rec := newRecord("ann")
		rec.Data = []byte(namespace)
		must(t, b.Create(ctx, key(1), rec))
	}
	sees := func(b store) (n, listed, ofUser int) {
		n, err := b.Count(ctx)
		must(t, err)
		for _, err := range b.List(ctx) {
			must(t, err)
			listed++
		}
		for _, err := range b.ListUser(ctx, "ann") {
			must(t, err)
			ofUser++
		}
		return n, listed, ofUser
	}
	for _, namespace := range namespaces {
		b := nodes[namespace]
		var rec driver.Record
		must(t, b.Load(ctx, key(1), &rec))
		if string(rec.Data) != namespace {
			t.Errorf("namespace %q has the session of %q", namespace, rec.Data)
		}
		if n, listed, ofUser := sees(b); n != 1 || listed != 1 || ofUser != 1 {
			t.Errorf("namespace %q sees %d, %d, %d sessions, want 1", namespace, n, listed, ofUser)
		}
	}
	c := bare(t, addr)
	for i, namespace := range namespaces {
		must(t, nodes[namespace].Clear(ctx))
		if left, want := c.DBSize(ctx).Val(), 2*int64(len(namespaces)-i-1); left != want {
			t.Errorf("after Clear of %q %d keys are left, want %d", namespace, left, want)
		}
	}
}
