package servertest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// A redisLogin is how this package itself gets into a Redis server.
type redisLogin struct {
	user, password string
	tls            *tls.Config
}

// A respConn speaks RESP2, as far as this package and its tests need it.
type respConn struct {
	net.Conn
	r *bufio.Reader
}

func dialRedis(addr string, login redisLogin) (*respConn, error) {
	var conn net.Conn
	var err error
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	if login.tls != nil {
		conn, err = tls.DialWithDialer(dialer, "tcp", addr, login.tls)
	} else {
		conn, err = dialer.Dial("tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	c := &respConn{conn, bufio.NewReader(conn)}
	if login.password != "" {
		args := []string{"AUTH", login.password}
		if login.user != "" {
			args = []string{"AUTH", login.user, login.password}
		}
		if _, err := c.do(args...); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return c, nil
}

// do sends one command and reads its reply: a string, an int, a []any or nil. An error reply is an error.
func (c *respConn) do(args ...string) (any, error) {
	if err := c.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return nil, err
	}
	if err := c.send(args...); err != nil {
		return nil, err
	}
	return c.reply()
}

func (c *respConn) send(args ...string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	_, err := io.WriteString(c, b.String())
	return err
}

func (c *respConn) reply() (any, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return nil, errors.New("RESP: an empty line")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return nil, errors.New(rest)
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil
	case kind == '$':
		b := make([]byte, n+2)
		_, err := io.ReadFull(c.r, b)
		return string(b[:n]), err
	case kind == '*':
		list := make([]any, n)
		for i := range list {
			if list[i], err = c.reply(); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("RESP: %q", line)
}

// redis sends one command over a connection of its own.
func (s *Server) redis(args ...string) (any, error) {
	c, err := dialRedis(s.Addr, s.login)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.do(args...)
}
