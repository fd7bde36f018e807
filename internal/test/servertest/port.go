package servertest

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are picked below those that Linux gives to outgoing connections (32768 and up), so that none of these takes
// the port of a server that is down, and low enough that port+10000, a Redis Cluster's bus, is below them too.
const firstPort, lastPort = 10000, 21999

// A port is kept for one server until it is closed.
type port struct {
	number int
	hold   []io.Closer
}

func (p *port) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

func (p *port) close() {
	for _, h := range p.hold {
		h.Close()
	}
}

// pickPort returns a port on which nothing listens, at each of the offsets.
func pickPort(offsets ...int) (*port, error) {
	err := errors.New("no port tried")
	for range 100 {
		p := &port{number: firstPort + rand.IntN(lastPort-firstPort+1)}
		for _, offset := range append(offsets, 0) {
			var h io.Closer
			if h, err = takePort(p.number + offset); err != nil {
				p.close()
				break
			}
			p.hold = append(p.hold, h)
		}
		if err == nil {
			return p, nil
		}
	}
	return nil, err
}

func takePort(number int) (io.Closer, error) {
	h, err := holdPort(number)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, l.Close()
}
