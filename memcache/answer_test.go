package memcache_test

import (
	"bufio"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// answering is a server that answers each line with what reply says.
func answering(t testing.TB, reply func(line string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					answer := reply(lines.Text())
					if _, err := conn.Write([]byte(answer)); err != nil || answer == "" {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestStrangeAnswers checks that what a server says that it should not is an error, which shows none of it, and no
// other session than the one that was asked for.
func TestStrangeAnswers(t *testing.T) {
	const secret = "top-secret"
	value := "VALUE session:" + key(2) + " 0 10 1\r\n" + secret + "\r\nEND\r\n"
	for _, tt := range []struct{ name, answer, want string }{
		{"another session", value, "not understood"},
		{"no end", "VALUE session:" + key(1) + " 0 3 1\r\n" + secret + "\r\nEND\r\n", "corrupt"},
		{"no size", "VALUE session:" + key(1) + " 0 " + secret + "\r\n", "not understood"},
		{"quotes", `": "SERVER_ERROR out of memory` + secret + "\r\n", "not understood"},
		{"out of memory", "SERVER_ERROR out of memory writing get response\r\n", "out of memory"},
		{"too many", "ERROR Too many open connections\r\n", "too many connections"},
		{"nothing", "", "EOF"},
		{"corrupt", "VALUE session:" + key(1) + " 0 10 1\r\n" + secret + "\r\nEND\r\n", session.ErrCorrupt.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := answering(t, func(line string) string {
				switch {
				case line == "version":
					return "VERSION 1\r\n"
				case strings.HasSuffix(line, ":probe"):
					return "END\r\n"
				}
				return tt.answer
			})
			b := newNode(t, driver.Config{Config: addr})
			rec := newRecord()
			rec.Version = 1
			for name, err := range map[string]error{
				"Load":   b.Load(t.Context(), key(1), new(driver.Record)),
				"Save":   b.Save(t.Context(), key(1), rec),
				"Touch":  b.Touch(t.Context(), key(1), rec.Expires),
				"Delete": b.Delete(t.Context(), key(1), 1),
			} {
				if err == nil || errors.Is(err, session.ErrNotFound) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s = %v, want an error that says %q", name, err, tt.want)
				} else if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), key(1)) {
					t.Errorf("%s: the error shows what was answered: %v", name, err)
				}
			}
		})
	}
}

// TestForeignItem checks that an item which is none of ours is an error, is left alone, and can be removed.
func TestForeignItem(t *testing.T) {
	addr := empty(t)
	b, c, ctx := newNode(t, driver.Config{Config: addr}), dial(t, addr), t.Context()
	c.set("session:"+key(1), "something else", 60)
	rec := newRecord()
	rec.Version = 1
	for name, err := range map[string]error{
		"Load":   b.Load(ctx, key(1), new(driver.Record)),
		"Save":   b.Save(ctx, key(1), rec),
		"Touch":  b.Touch(ctx, key(1), rec.Expires),
		"Delete": b.Delete(ctx, key(1), 1),
	} {
		if !errors.Is(err, session.ErrCorrupt) {
			t.Errorf("%s = %v, want ErrCorrupt", name, err)
		}
	}
	if err := b.Create(ctx, key(1), rec); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create = %v, want ErrExists", err)
	}
	if got := c.value("session:" + key(1)); got != "something else" {
		t.Errorf("the item became %q", got)
	}
	must(t, b.Delete(ctx, key(1), 0))
	c.do("get session:"+key(1), "END")
}

// TestLostCreate checks that a session whose Create was stored, but whose answer was lost, is created.
func TestLostCreate(t *testing.T) {
	for _, after := range []int{0, 1, len("STORED\r")} {
		p := servertest.NewProxy(t, empty(t))
		b := newNode(t, driver.Config{Config: p.Addr})
		rec := newRecord()
		p.ResetAfter(after)
		if err := b.Create(t.Context(), key(1), rec); err != nil || rec.Version != 1 {
			t.Errorf("reset after %d bytes: Create = %v at version %d", after, err, rec.Version)
		}
		wantData(t, b, key(1), "data")
		if err := b.Create(t.Context(), key(1), rec); !errors.Is(err, session.ErrExists) {
			t.Errorf("Create once more = %v, want ErrExists", err)
		}
	}
}

// TestLateCreate has the server get a Create only after a Delete of the same key: it is sent once, so that its late arrival is
// all that there can be, and the caller knows of no session.
func TestLateCreate(t *testing.T) {
	p := servertest.NewProxy(t, empty(t))
	b := newNode(t, driver.Config{Config: p.Addr})
	p.BlackholeAt("add ")
	created := make(chan error)
	go func() { created <- b.Create(t.Context(), key(1), newRecord()) }()
	time.Sleep(50 * time.Millisecond) // until it is in the hole
	p.Blackhole(false)
	p.Reset()
	if err := <-created; err == nil {
		t.Error("Create returns no error, though the server has nothing")
	}
	if err := b.Load(t.Context(), key(1), new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load = %v: the record was sent again", err)
	}
}
