package sql

import (
	"context"
	sqldriver "database/sql/driver"
	"fmt"
	"io"
	"net"
	"sync/atomic"
)

// A Wire is the network connection under a driver's connection, for providers whose driver waits for an answer longer than
// the context of a call lasts. The connector's Connect puts one into the context, what dials takes it from there, and calls
// that the driver does not end by itself are guarded. A wire that was broken off is dead, and so is the connection on it,
// whether the driver has noticed or not.
type Wire struct {
	// OnBreak, unless it is nil, is called when the wire is broken off, before it is closed.
	OnBreak func()

	ctx  context.Context // of Connect: the one that what dials is given may end when it has dialed
	conn net.Conn
	stop func() bool
	off  func() // BreakOff, made once: a call allocates less
	dead atomic.Bool
}

type wireKey struct{}

// NewWire returns a wire that is not dialed, and ctx with it, for the driver's Connect.
func NewWire(ctx context.Context) (*Wire, context.Context) {
	w := &Wire{ctx: ctx}
	w.off = w.BreakOff
	return w, context.WithValue(ctx, wireKey{}, w)
}

// WireOf returns the wire that ctx was made with, or nil.
func WireOf(ctx context.Context) *Wire {
	w, _ := ctx.Value(wireKey{}).(*Wire)
	return w
}

// Take makes conn the network connection of w, in the place of one to a server that has not let us in. Until Release it is closed
// when the context of [NewWire] is done.
func (w *Wire) Take(conn net.Conn) {
	w.Release()
	w.conn, w.stop = conn, context.AfterFunc(w.ctx, func() { conn.Close() })
}

// Release ends what Take has begun, and reports whether the connection was closed, or is about to be.
func (w *Wire) Release() (closed bool) {
	if w.stop != nil {
		closed = !w.stop()
		w.stop = nil
	}
	return closed
}

// Conn returns the network connection, or nil if nothing was dialed.
func (w *Wire) Conn() net.Conn { return w.conn }

// Waiting returns err, the end of a context, with the server that was waited for.
func (w *Wire) Waiting(err error) error {
	return fmt.Errorf("waiting for %v: %w", w.conn.RemoteAddr(), err)
}

// BreakOff ends the connection without another word to the server.
func (w *Wire) BreakOff() {
	w.dead.Store(true)
	if w.OnBreak != nil {
		w.OnBreak()
	}
	w.conn.Close()
}

// Dead reports whether w is broken off or about to be.
func (w *Wire) Dead() bool { return w.dead.Load() }

// Valid is IsValid for the driver's connection on w.
func (w *Wire) Valid(on sqldriver.Validator) bool { return !w.Dead() && on.IsValid() }

// Reset is ResetSession for the driver's connection on w.
func (w *Wire) Reset(ctx context.Context, on sqldriver.SessionResetter) error {
	if w.Dead() {
		return sqldriver.ErrBadConn
	}
	return on.ResetSession(ctx)
}

// A Guard breaks a wire off when a context is done.
type Guard struct {
	wire *Wire
	ctx  context.Context
	stop func() bool
}

// Guard begins to guard what is sent and waited for on w. [Guard.End] ends it.
func (w *Wire) Guard(ctx context.Context) Guard {
	return Guard{w, ctx, context.AfterFunc(ctx, w.off)}
}

// Err is what to return for an error of the driver: if the wire was broken off it tells only of that.
func (g Guard) Err(err error) error {
	if err == nil || err == io.EOF || g.ctx.Err() == nil || !g.wire.Dead() {
		return err
	}
	return g.wire.Waiting(g.ctx.Err())
}

// End is Err after the last thing that is guarded. If the wire is about to be broken off, nobody else may get it.
func (g Guard) End(err error) error {
	if !g.stop() {
		g.wire.dead.Store(true)
	}
	return g.Err(err)
}
