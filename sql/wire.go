package sql

import (
	"context"
	sqldriver "database/sql/driver"
	"fmt"
	"io"
	"net"
	"sync/atomic"
)

// A Wire is the network connection below a driver's connection. It is for providers whose driver may wait for an answer
// after the context of a call is done. The connector's Connect puts a Wire into the context, the dial function takes it
// from there, and calls that the driver does not end itself are guarded. A Wire that was broken off is dead, and so is the
// driver's connection on it, even if the driver has not noticed.
type Wire struct {
	// OnBreak, unless nil, is called when the wire is broken off, before the network connection is closed.
	OnBreak func()

	ctx  context.Context // of Connect: the context of the dial function may end when it has dialed
	conn net.Conn
	stop func() bool
	off  func() // BreakOff, stored once to save an allocation in each call
	dead atomic.Bool
}

type wireKey struct{}

// NewWire returns a wire without a network connection, and a context that carries it, for the driver's Connect.
func NewWire(ctx context.Context) (*Wire, context.Context) {
	w := &Wire{ctx: ctx}
	w.off = w.BreakOff
	return w, context.WithValue(ctx, wireKey{}, w)
}

// WireOf returns the wire in ctx, or nil.
func WireOf(ctx context.Context) *Wire {
	w, _ := ctx.Value(wireKey{}).(*Wire)
	return w
}

// Take makes conn the network connection of w. It replaces the connection to a server that has refused us. Until Release,
// conn is closed when the context of [NewWire] is done.
func (w *Wire) Take(conn net.Conn) {
	w.Release()
	w.conn, w.stop = conn, context.AfterFunc(w.ctx, func() { conn.Close() })
}

// Release ends the effect of Take, and reports whether the connection was closed or is about to be.
func (w *Wire) Release() (closed bool) {
	if w.stop != nil {
		closed = !w.stop()
		w.stop = nil
	}
	return closed
}

// Conn returns the network connection, or nil if none was dialed.
func (w *Wire) Conn() net.Conn { return w.conn }

// Waiting returns err, a context's error, with the address of the server that did not answer.
func (w *Wire) Waiting(err error) error {
	return fmt.Errorf("waiting for %v: %w", w.conn.RemoteAddr(), err)
}

// BreakOff closes the connection at once, without sending anything.
func (w *Wire) BreakOff() {
	w.dead.Store(true)
	if w.OnBreak != nil {
		w.OnBreak()
	}
	w.conn.Close()
}

// Dead reports whether w is broken off or about to be.
func (w *Wire) Dead() bool { return w.dead.Load() }

// Valid implements IsValid for the driver's connection on w.
func (w *Wire) Valid(on sqldriver.Validator) bool { return !w.Dead() && on.IsValid() }

// Reset implements ResetSession for the driver's connection on w.
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

// Guard starts to guard what is sent and received on w until [Guard.End].
func (w *Wire) Guard(ctx context.Context) Guard {
	return Guard{w, ctx, context.AfterFunc(ctx, w.off)}
}

// Err returns the error to report for an error of the driver. If the wire was broken off, that is the context's error only.
func (g Guard) Err(err error) error {
	if err == nil || err == io.EOF || g.ctx.Err() == nil || !g.wire.Dead() {
		return err
	}
	return g.wire.Waiting(g.ctx.Err())
}

// End is Err after the last guarded operation. If the wire is about to be broken off, End makes sure that nobody else gets
// the connection.
func (g Guard) End(err error) error {
	if !g.stop() {
		g.wire.dead.Store(true)
	}
	return g.Err(err)
}
