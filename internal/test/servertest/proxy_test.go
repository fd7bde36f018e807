package servertest

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// echo is a server that answers each byte with reply.
func echo(t *testing.T, reply string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for b := make([]byte, 1); ; {
					if _, err := conn.Read(b); err != nil {
						return
					}
					io.WriteString(conn, reply)
				}
			}()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// TestSlowness has a connection be slow, and one before it not.
func TestSlowness(t *testing.T) {
	p := NewProxy(t, echo(t, "!"))
	quick := dial(t, p)
	if _, err := ask(quick, 1); err != nil {
		t.Fatal(err)
	}
	p.SetSlowness(300 * time.Millisecond)
	begin := time.Now()
	if _, err := ask(dial(t, p), 1); err != nil || time.Since(begin) < 300*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	p.SetSlowness(time.Hour)
	slow := dial(t, p)
	if _, err := ask(quick, 1); err != nil {
		t.Error(err)
	}
	p.Reset()
	if _, err := ask(slow, 1); err == nil {
		t.Error("the connection lives on")
	}
}

// ask sends a byte and reads n bytes.
func ask(conn net.Conn, n int) (string, error) {
	if _, err := conn.Write([]byte{'?'}); err != nil {
		return "", err
	}
	b := make([]byte, n)
	n, err := io.ReadFull(conn, b)
	return string(b[:n]), err
}

func wantAnswer(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	if got, err := ask(conn, len(want)); got != want || err != nil {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("not within 20 seconds: %s", what)
		}
	}
}

func TestProxyCountsConnectionsAndTrips(t *testing.T) {
	p := NewProxy(t, echo(t, "reply"))
	a, b := dial(t, p), dial(t, p)
	wantAnswer(t, a, "reply")
	wantAnswer(t, a, "reply")
	wantAnswer(t, b, "reply")
	if p.Trips() != 3 || p.Accepted() != 2 || p.Connections() != 2 {
		t.Errorf("%d trips, %d accepted, %d open", p.Trips(), p.Accepted(), p.Connections())
	}
	p.ResetTrips()
	if _, err := a.Write([]byte("??")); err != nil { // a pipeline
		t.Fatal(err)
	}
	if got := make([]byte, 10); true {
		if _, err := io.ReadFull(a, got); err != nil || string(got) != "replyreply" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if p.Trips() != 1 {
		t.Errorf("%d trips for a pipeline", p.Trips())
	}
	a.Close()
	eventually(t, "one open, two accepted", func() bool { return p.Connections() == 1 && p.Accepted() == 2 })
}

func TestProxySetTarget(t *testing.T) {
	p := NewProxy(t, echo(t, "old"))
	before := dial(t, p)
	wantAnswer(t, before, "old")
	p.SetTarget(echo(t, "new"))
	wantAnswer(t, before, "old")
	wantAnswer(t, dial(t, p), "new")
	p.SetTarget("127.0.0.1:1")
	conn, err := net.Dial("tcp", p.Addr)
	if err != nil {
		return // reset so early
	}
	defer conn.Close()
	if got, err := ask(conn, 1); err == nil {
		t.Errorf("nothing listens at the target, but it answers %q", got)
	}
}

func TestProxySetLatency(t *testing.T) {
	p := NewProxy(t, echo(t, "reply"))
	conn := dial(t, p)
	p.SetLatency(100 * time.Millisecond)
	begin := time.Now()
	wantAnswer(t, conn, "reply")
	if took := time.Since(begin); took < 200*time.Millisecond {
		t.Errorf("a round trip took %v", took)
	}
}

func TestProxyBlackhole(t *testing.T) {
	p := NewProxy(t, echo(t, "reply"))
	idle, used := dial(t, p), dial(t, p)
	wantAnswer(t, idle, "reply")
	wantAnswer(t, used, "reply")
	p.Blackhole(true)
	meanwhile := dial(t, p)
	for _, conn := range []net.Conn{used, meanwhile} {
		conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if got, err := ask(conn, 1); !isTimeout(err) {
			t.Errorf("got %q, %v", got, err)
		}
	}
	eventually(t, "two blackholes", func() bool { // the proxy may not have come to read yet
		p.mu.Lock()
		defer p.mu.Unlock()
		dead := 0
		for l := range p.links {
			if l.dead {
				dead++
			}
		}
		return dead == 2
	})
	p.Blackhole(false)
	wantAnswer(t, idle, "reply")
	wantAnswer(t, dial(t, p), "reply")
	used.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if got, err := ask(used, 1); !isTimeout(err) {
		t.Errorf("after bytes were lost: got %q, %v", got, err)
	}
	used.Close()
	meanwhile.Close()
	eventually(t, "two open", func() bool { return p.Connections() == 2 })
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestProxyRefuse(t *testing.T) {
	p := NewProxy(t, echo(t, "reply"))
	open := dial(t, p)
	wantAnswer(t, open, "reply")
	p.Refuse(true)
	if conn, err := net.Dial("tcp", p.Addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, %v", conn, err)
	}
	wantAnswer(t, open, "reply")
	p.Refuse(false)
	wantAnswer(t, dial(t, p), "reply")
}

func TestProxyReset(t *testing.T) {
	p := NewProxy(t, echo(t, "reply"))
	conn := dial(t, p)
	wantAnswer(t, conn, "reply")
	p.Reset()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
	wantAnswer(t, dial(t, p), "reply")
}

func TestProxyCutsOneReply(t *testing.T) {
	for _, n := range []int{0, 3, 7} {
		want := strings.Repeat("reply", 2)[:n]
		p := NewProxy(t, echo(t, "reply"))
		conn := dial(t, p)
		wantAnswer(t, conn, "reply")
		p.ResetAfter(n)
		if n >= 5 {
			wantAnswer(t, conn, "reply")
			want = want[5:]
		}
		got, err := ask(conn, 5)
		if got != want || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("reset after %d: got %q, %v", n, got, err)
		}

		conn = dial(t, p)
		wantAnswer(t, conn, "reply")
		p.TruncateAfter(-1)
		p.TruncateAfter(n)
		if n >= 5 {
			wantAnswer(t, conn, "reply")
		}
		got, err = ask(conn, 5)
		if got != want || err != io.EOF && err != io.ErrUnexpectedEOF {
			t.Errorf("truncate after %d: got %q, %v", n, got, err)
		}
		wantAnswer(t, dial(t, p), "reply")
	}
}

func TestProxyPassesTheEndOn(t *testing.T) {
	p := NewProxy(t, echo(t, "reply"))
	conn := dial(t, p)
	wantAnswer(t, conn, "reply")
	conn.(*net.TCPConn).CloseWrite()
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v", err)
	}
	eventually(t, "none open", func() bool { return p.Connections() == 0 })
}

func TestProxyBeforeRedis(t *testing.T) {
	s := Redis(t)
	do(t, s, "DEL", t.Name())
	p := NewProxy(t, s.Addr)
	c, err := dialRedis(p.Addr, redisLogin{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.ResetAfter(0)
	if reply, err := c.do("INCR", t.Name()); err == nil {
		t.Fatalf("reset, but %v", reply)
	}
	if got := do(t, s, "GET", t.Name()); got != "1" {
		t.Errorf("the reply was lost, and what was asked for is %v", got)
	}
}

// TestHold has the server get late what a client has sent before its connection ended.
func TestHold(t *testing.T) {
	got := make(chan string, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		b := make([]byte, 64)
		n, _ := conn.Read(b)
		got <- string(b[:n])
		io.WriteString(conn, "!")
		io.Copy(io.Discard, conn)
	}()
	p := NewProxy(t, l.Addr().String())
	if p.HoldAt("nothing").Deliver() {
		t.Error("what was not sent is delivered")
	}
	held := p.HoldAt("text")
	conn := dial(t, p)
	io.WriteString(conn, "with a text")
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the client's connection has not ended")
	}
	conn.Close()
	select {
	case <-got:
		t.Error("the server has got it already")
	default:
	}
	if !held.Deliver() {
		t.Error("not delivered")
	}
	if late := <-got; late != "with a text" {
		t.Errorf("the server got %q", late)
	}
}
