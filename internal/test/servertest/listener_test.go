package servertest

import (
	"io"
	"net"
	"testing"
)

// TestListener stops and starts a Listener that echoes.
func TestListener(t *testing.T) {
	l := Listen(t, func(nc net.Conn) { io.Copy(nc, nc) })
	for range 3 {
		l.Start() // a second time changes nothing
		nc, err := net.Dial("tcp", l.Addr)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 2)
		if _, err := nc.Write([]byte("ab")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(nc, got); err != nil || string(got) != "ab" {
			t.Fatalf("read %q, %v", got, err)
		}
		l.Stop()
		if _, err := nc.Read(got); err == nil {
			t.Error("the connection is open after Stop")
		}
		nc.Close()
		if nc, err := net.Dial("tcp", l.Addr); err == nil {
			nc.Close()
			t.Error("a connection is accepted after Stop")
		}
		l.Start()
	}
}
