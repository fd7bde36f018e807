package sql

import (
	"net"
	"testing"
	"time"
)

// TestIdle looks at a connection that is silent, also while somebody reads from it, at one that was told something, and at
// one that has ended.
func TestIdle(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pair := func() (here, there net.Conn) {
		here, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		there, err = l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { here.Close(); there.Close() })
		return here, there
	}
	// comes reports whether i says that it has ended, soon.
	comes := func(i Idle) bool {
		for range 1000 {
			if i.Ended() {
				return true
			}
			time.Sleep(time.Millisecond) // until the network has brought it
		}
		return false
	}
	here, there := pair()
	i := WatchIdle(layer{here})
	if i.Ended() {
		t.Error("a silent connection has ended")
	}
	there.Write([]byte("goodbye"))
	if !comes(i) {
		t.Error("a connection on which the server speaks has not ended")
	}
	if n, err := here.Read(make([]byte, 16)); n != len("goodbye") || err != nil {
		t.Errorf("Ended has taken something away: %d bytes are left, %v", n, err)
	}
	here, there = pair()
	read := make(chan error)
	go func() {
		_, err := here.Read(make([]byte, 1))
		read <- err
	}()
	time.Sleep(10 * time.Millisecond) // until it reads
	if i := WatchIdle(here); i.Ended() {
		t.Error("a connection that is being read has ended")
	}
	there.Write([]byte("x"))
	if err := <-read; err != nil {
		t.Error(err)
	}
	there.Close()
	if !comes(WatchIdle(here)) {
		t.Error("a connection that the server has closed has not ended")
	}
	here.Close()
	if i := WatchIdle(here); !i.Ended() {
		t.Error("a connection that is closed here has not ended")
	}
	pipe, _ := net.Pipe()
	if WatchIdle(pipe).Ended() || (Idle{}).Ended() {
		t.Error("what it cannot know has ended")
	}
}

// A layer is a connection over another.
type layer struct{ net.Conn }

func (l layer) NetConn() net.Conn { return l.Conn }
