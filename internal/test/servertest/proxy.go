package servertest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A Proxy passes TCP connections on to a server and breaks them on demand. Its methods are safe for concurrent use. They
// also affect open connections, unless their comments say otherwise.
type Proxy struct {
	Addr string // "127.0.0.1:port"; stays the same while it refuses

	t         testing.TB
	mu        sync.Mutex
	closed    bool
	target    string
	latency   time.Duration
	slowness  time.Duration // of new connections
	blackhole bool
	last      []byte // what the blackhole begins with; nil: nothing
	cut       *cut   // nil: none is due
	hold      *Held  // nil: nothing is to be held back
	listener  net.Listener
	links     map[*link]bool
	accepted  int
	trips     int
	wg        sync.WaitGroup
}

// A cut is due on the first connection whose replies, counted since the cut was ordered, come to after bytes.
type cut struct {
	after int
	reset bool // with RST, else with FIN
}

// NewProxy starts a proxy in front of target, the address of a server. It stops when t ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	port, err := pickPort()
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: port.addr(), t: t, target: target, links: make(map[*link]bool)}
	p.Refuse(false)
	t.Cleanup(func() {
		p.Refuse(true)
		p.close()
		port.close()
	})
	return p
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Reset()
	p.wg.Wait()
}

// SetTarget sends connections that are accepted from now on to target. [Proxy.Reset] ends the older ones.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// SetLatency delays all bytes by d in each direction, so that a round trip takes 2d longer.
func (p *Proxy) SetLatency(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = d
}

// SetSlowness delays connections that are accepted from now on by d before the server sees them.
func (p *Proxy) SetSlowness(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slowness = d
}

// Blackhole drops, while on, all bytes in both directions. Connections are accepted and stay open. A connection that was
// accepted meanwhile, or whose bytes were dropped, stays a black hole afterwards.
func (p *Proxy) Blackhole(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blackhole = on
}

// BlackholeAt starts a [Proxy.Blackhole] with the first bytes from a client that contain text.
func (p *Proxy) BlackholeAt(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = []byte(text)
}

// A Held is what a client has sent and the server has not got yet.
type Held struct {
	p        *Proxy
	texts    []string
	bytes    []byte        // nil: not yet sent
	release  chan struct{} // closed by Deliver
	sent     bool          // to the server
	answered chan struct{}
	end      func() // closes answered, once
}

// HoldAt holds back the first bytes from a client that contain one of texts, and closes that client's connection with FIN. It happens
// once. The server sees no end: it gets the bytes at [Held.Deliver], as from a network that was slow.
func (p *Proxy) HoldAt(texts ...string) *Held {
	h := &Held{p: p, texts: texts, release: make(chan struct{}), answered: make(chan struct{})}
	h.end = sync.OnceFunc(func() { close(h.answered) })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = h
	return h
}

// Deliver passes the bytes to the server and waits for its answer. It returns false if there are none. Call it once.
func (h *Held) Deliver() bool {
	h.p.mu.Lock()
	held := h.bytes != nil
	h.p.mu.Unlock()
	if held {
		close(h.release)
		<-h.answered
	}
	return held
}

// Refuse makes, while on, new connections fail as if nothing listened. Open connections stay open.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on == (p.listener == nil) {
		return
	}
	if on {
		p.listener.Close()
		p.listener = nil
		return
	}
	l, err := net.Listen("tcp", p.Addr)
	for range 100 { // the port is kept for this proxy; the kernel may need a moment
		if err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
		l, err = net.Listen("tcp", p.Addr)
	}
	if err != nil {
		p.t.Errorf("proxy: %v", err)
		return
	}
	p.listener = l
	p.wg.Go(func() { p.accept(l) })
}

// Reset ends all open connections with RST.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close(true)
	}
}

// ResetAfter ends one connection with RST as soon as n bytes of replies, counted from now, have passed on it. It is the
// first connection, open or new, that gets that far. The rest of the reply is lost, but what the server has done stays
// done. With 0 no byte of the next reply passes. It happens once. A negative n cancels it.
func (p *Proxy) ResetAfter(n int) { p.order(cut{n, true}) }

// TruncateAfter is ResetAfter, but closes the connection with FIN instead of RST.
func (p *Proxy) TruncateAfter(n int) { p.order(cut{n, false}) }

func (p *Proxy) order(c cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = &c
	if c.after < 0 {
		p.cut = nil
	}
	for l := range p.links {
		l.replied = 0
	}
}

// Connections returns the number of open connections.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Accepted returns the number of connections accepted so far.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Trips returns the number of turns so far, over all connections. A turn begins with the first bytes from the client on a
// connection, or with the first after bytes from the server. A pipeline that is sent before its first reply is one turn.
func (p *Proxy) Trips() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trips
}

// ResetTrips sets the number of turns to zero.
func (p *Proxy) ResetTrips() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trips = 0
}
