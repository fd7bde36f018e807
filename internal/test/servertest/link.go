package servertest

import (
	"bytes"
	"io"
	"net"
	"slices"
	"time"
)

// A link is one connection through a proxy. The proxy's mu guards its fields, except the connections and done.
type link struct {
	p      *Proxy
	client *net.TCPConn
	server *net.TCPConn // nil until it is dialled
	done   chan struct{}

	closed  bool
	dead    bool // bytes were dropped: nothing passes any more
	asking  bool // the last bytes came from the client
	replied int  // bytes replied since the last cut was ordered
	held    *Held
}

// A chunk is the result of one read.
type chunk struct {
	bytes []byte
	due   time.Time
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.closed {
			conn.Close()
		} else {
			p.accepted++
			l := &link{p: p, client: conn.(*net.TCPConn), done: make(chan struct{}), dead: p.blackhole}
			p.links[l] = true
			target, due := p.target, time.Now().Add(p.slowness)
			p.wg.Go(func() {
				if l.sleepUntil(due) {
					l.serve(target)
				}
			})
		}
		p.mu.Unlock()
	}
}

func (l *link) serve(target string) {
	if l.swallows() {
		io.Copy(io.Discard, l.client)
		l.end(false)
		return
	}
	server, err := net.DialTimeout("tcp", target, 10*time.Second)
	if err != nil {
		l.end(true)
		return
	}
	l.p.mu.Lock()
	l.server = server.(*net.TCPConn)
	if l.closed {
		l.server.Close()
	}
	l.p.mu.Unlock()

	requests, replies := make(chan error, 1), make(chan error, 1)
	l.p.wg.Go(func() { requests <- l.pump(l.client, l.server, false) })
	l.p.wg.Go(func() { replies <- l.pump(l.server, l.client, true) })
	select {
	case err = <-requests:
		if l.late() {
			break
		}
		if err == nil && !l.swallows() {
			err = <-replies // the client waits for the rest
		}
	case err = <-replies:
		if err == nil || l.swallows() {
			err = <-requests // the client may read the end at any time
		}
	}
	l.end(err != nil)
}

// late delivers what was held back, if anything was. The client has closed its side.
func (l *link) late() bool {
	l.p.mu.Lock()
	h := l.held
	l.p.mu.Unlock()
	if h == nil {
		return false
	}
	defer h.end()
	select {
	case <-h.release:
	case <-l.done:
		return true
	}
	l.p.mu.Lock()
	h.sent = true
	l.p.mu.Unlock()
	if _, err := l.server.Write(h.bytes); err != nil {
		l.p.t.Errorf("proxy: what was held back does not reach the server: %v", err)
		return true
	}
	select {
	case <-h.answered:
	case <-l.done:
	case <-time.After(10 * time.Second):
		l.p.t.Error("proxy: the server does not answer what it got late")
	}
	return true
}

// pump passes bytes on until their end or an error. It passes the end on too.
func (l *link) pump(from, to *net.TCPConn, replies bool) error {
	chunks := make(chan chunk, 64)
	failed := make(chan error, 1)
	l.p.wg.Go(func() { failed <- l.read(from, chunks, replies) })
	for c := range chunks {
		if !l.sleepUntil(c.due) {
			continue
		}
		pass, after := l.decide(c.bytes, replies)
		if len(pass) > 0 {
			if _, err := to.Write(pass); err != nil {
				l.end(true)
			}
		}
		if after != nil {
			l.cutOff(*after)
		}
	}
	err := <-failed
	switch {
	case err != nil:
		return err
	case !l.swallows():
		to.CloseWrite()
	}
	return nil
}

func (l *link) read(from *net.TCPConn, chunks chan<- chunk, replies bool) error {
	defer close(chunks)
	for {
		buf := make([]byte, 16<<10)
		n, err := from.Read(buf)
		if n > 0 {
			select {
			case chunks <- chunk{buf[:n], l.seen(replies)}:
			case <-l.done:
			}
		}
		switch err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// seen counts turns, and returns when the bytes just read must be passed on.
func (l *link) seen(reply bool) time.Time {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if !reply && !l.asking {
		l.p.trips++
	}
	l.asking = !reply
	return time.Now().Add(l.p.latency)
}

// decide returns the part of b that is passed on, and the cut that follows it.
func (l *link) decide(b []byte, reply bool) ([]byte, *cut) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if !reply && l.p.last != nil && bytes.Contains(b, l.p.last) {
		l.p.blackhole, l.p.last = true, nil
	}
	if h := l.p.hold; h != nil && !reply && slices.ContainsFunc(h.texts, func(text string) bool { return bytes.Contains(b, []byte(text)) }) {
		l.p.hold, l.held, l.dead = nil, h, true
		h.bytes = b
		l.client.CloseWrite()
		return nil, nil
	}
	if reply && l.held != nil && l.held.sent {
		l.held.end()
	}
	if l.p.blackhole || l.dead {
		l.dead = true
		return nil, nil
	}
	if !reply {
		return b, nil
	}
	before := l.replied
	l.replied += len(b)
	if c := l.p.cut; c != nil && l.replied >= c.after {
		l.p.cut = nil
		return b[:c.after-before], c
	}
	return b, nil
}

// cutOff ends the connection on both sides. After a FIN the client may still send bytes, which are dropped.
func (l *link) cutOff(c cut) {
	if c.reset {
		l.end(true)
		return
	}
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.dead = true
	l.client.CloseWrite()
	l.server.Close()
}

// swallows reports whether the link is a black hole. It then stays one.
func (l *link) swallows() bool {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.dead = l.dead || l.p.blackhole
	return l.dead
}

// sleepUntil returns false if the link ended meanwhile.
func (l *link) sleepUntil(due time.Time) bool {
	select {
	case <-l.done:
		return false
	default:
	}
	wait := time.Until(due)
	if wait <= 0 {
		return true
	}
	select {
	case <-l.done:
		return false
	case <-time.After(wait):
		return true
	}
}

func (l *link) end(reset bool) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.close(reset)
}

// close ends both sides at once. The caller holds the proxy's mu.
func (l *link) close(reset bool) {
	if l.closed {
		return
	}
	l.closed = true
	delete(l.p.links, l)
	close(l.done)
	for _, conn := range []*net.TCPConn{l.client, l.server} {
		if conn == nil {
			continue
		}
		if reset {
			conn.SetLinger(0)
		}
		conn.Close()
	}
}
