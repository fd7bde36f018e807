package sql

import (
	"net"
	"syscall"
)

// An Idle looks whether a connection has ended while nobody used it. A creation is sent only once, so it should not be sent
// over such a connection. The zero value knows nothing: its Ended returns false.
type Idle struct {
	conn syscall.RawConn
	peek func(fd uintptr) // stored once to save an allocation in each call
	got  *bool            // whether the last peek found an end, or bytes that nobody has asked for
}

// WatchIdle returns the Idle of conn, which may have layers such as TLS with a method NetConn. It knows nothing if the connection
// below them has no file descriptor, or the system is neither Linux nor a BSD.
func WatchIdle(conn net.Conn) Idle {
	for {
		inner, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = inner.NetConn()
	}
	c, ok := conn.(syscall.Conn)
	if !ok || !canPeek {
		return Idle{}
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return Idle{}
	}
	got := new(bool)
	return Idle{conn: raw, got: got, peek: func(fd uintptr) { *got = !isSilent(fd) }}
}

// Ended reports, without waiting, whether the connection must not be used any more. A server also says something before it
// closes a connection, so bytes count as its end. No other Ended of the same Idle may run meanwhile. A read may: pgx
// sometimes leaves one behind. So this is no read of net, which would wait for the other.
func (i Idle) Ended() bool {
	return i.conn != nil && (i.conn.Control(i.peek) != nil || *i.got)
}
