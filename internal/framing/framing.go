// Package framing limits what a server may announce. The clients of Redis and memcached allocate memory for an announced
// length before they read the data, so a server that announces a false length can end the process. A connection of this
// package parses the answers on their way to the client, and returns an error before the client sees such a length.
package framing

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// MaxValue is the maximum length of a value, in bytes.
const MaxValue = 64 << 20

var (
	errTooLong  = fmt.Errorf("the server announces more than %d bytes", MaxValue)
	errTooMany  = fmt.Errorf("the server announces more than %d elements", maxElements)
	errTooDeep  = fmt.Errorf("the server nests more than %d lists", maxDepth)
	errNoAnswer = errors.New("the answer of the server was not understood")
)

// A scanner parses the answers on one connection, however reads split them. The client must see the answers begin at the
// same bytes, so anything that the client might parse differently is an error.
type scanner interface {
	scan(p []byte) error
}

// Redis returns conn for a Redis client. Read returns an error if the server announces too much.
func Redis(conn net.Conn) net.Conn { return follow(conn, new(resp)) }

// Memcached is [Redis] for a client of memcached's text protocol.
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

// A rawConn lets go-redis check whether the server has closed an idle connection.
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
