package servers

import (
	"bufio"
	"fmt"
	"net"
	"strings"

	"github.com/seed1a8f7c28/session/bench/library"
)

func memcached(addr string) (*Server, error) {
	line, err := tell(addr, "version")
	version, ok := strings.CutPrefix(line, "VERSION ")
	if err != nil || !ok {
		return nil, fmt.Errorf("memcached's version: %q, %w", line, err)
	}
	return &Server{
		Version: "memcached " + version,
		addr:    addr,
		fresh: func() (library.Target, error) {
			_, err := tell(addr, "flush_all")
			return library.Target{Addr: addr}, err
		},
		Stored: memcachedItems,
	}, nil
}

// tell sends a line and returns the server's answer, one line.
func tell(addr, line string) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "%s\r\n", line); err != nil {
		return "", err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(answer), err
}
