// Package framing refuses what a server announces too much of. The clients of Redis and memcached allocate what an answer says
// that it has before they read it, so that a server that lies about a length ends the process. A connection of this package
// follows the answers on their way to the client, and ends before the client sees such a length.
package framing

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// MaxValue is the largest value that is let through, in bytes.
const MaxValue = 64 << 20

var (
	errTooLong  = fmt.Errorf("the server announces more than %d bytes", MaxValue)
	errTooMany  = fmt.Errorf("the server announces more than %d elements", maxElements)
	errTooDeep  = fmt.Errorf("the server nests more than %d lists", maxDepth)
	errNoAnswer = errors.New("the answer of the server was not understood")
)

// A scanner follows the answers on one connection, wherever reads cut them. The client must find the beginnings of
// the same answers at the same bytes, so what it may read in another way is an error.
type scanner interface {
	scan(p []byte) error
}

// Redis returns conn for a client of Redis. It ends with an error of Read when the server announces too much.
func Redis(conn net.Conn) net.Conn { return follow(conn, new(resp)) }

// Memcached is [Redis] for a client that speaks the text protocol of memcached.
func Memcached(conn net.Conn) net.Conn { return follow(conn, new(memcached)) }

func follow(c net.Conn, s scanner) net.Conn {
	followed := &conn{Conn: c, scanner: s}
	if raw, ok := c.(syscall.Conn); ok {
		return &rawConn{followed, raw}
	}
	return followed
}

type conn struct {
	net.Conn
	scanner scanner
	err     error
}

// A rawConn lets go-redis look whether the server has ended an idle connection.
type rawConn struct {
	*conn
	syscall.Conn
}

func (c *conn) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.Conn.Read(p)
	if c.err = c.scanner.scan(p[:n]); c.err != nil {
		c.Conn.Close()
		return 0, c.err
	}
	return n, err
}
