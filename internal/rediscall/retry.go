// Package rediscall contains what the engines over go-redis share: which calls are tried again, what an error may say, where
// log lines go, and the settings of a connection pool.
package rediscall

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/internal/pause"
)

// Retries counts the tries of one call. The zero value has made none.
type Retries struct{ made int }

// pauses are the pauses before further tries, two seconds in all.
var pauses = [...]time.Duration{
	10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond,
	400 * time.Millisecond, 600 * time.Millisecond, 600 * time.Millisecond,
}

// May reports whether another try is allowed after err. once says that the command must not run twice.
func (r *Retries) May(err error, once bool) bool {
	dial := &net.OpError{}
	switch {
	case refused(err):
		return r.made < len(pauses)
	case errors.As(err, &dial) && dial.Op == "dial":
		if dial.Timeout() {
			return r.made < 1
		}
		return r.made < 4 // a server that is being restarted is back soon, and otherwise nobody should wait long
	case once:
		return false
	case TimedOut(err):
		return r.made < 1
	}
	return broken(err) && r.made < len(pauses)
}

// Pause waits before another try that May has allowed. It returns false if ctx is done, or would be done by then.
func (r *Retries) Pause(ctx context.Context) bool {
	r.made++
	return PauseAbout(ctx, pauses[r.made-1])
}

// PauseAbout waits for about d. It returns false at once if ctx would be done before that.
func PauseAbout(ctx context.Context, d time.Duration) bool {
	d = d/2 + rand.N(d)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	return pause.For(ctx, d)
}

// refused reports whether err says that the command was not run but may run soon. A server that is starting and a replica
// that is about to become the master answer like this.
func refused(err error) bool {
	for _, prefix := range [...]string{
		"LOADING", "READONLY", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "NOREPLICAS", "max number of clients",
	} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// broken reports whether err is a connection error, after which the command may have run or not.
func broken(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	_, operation := errors.AsType[*net.OpError](err)
	_, system := errors.AsType[syscall.Errno](err)
	return operation || system
}

// TimedOut reports whether the answer did not come in time.
func TimedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// Lost reports whether the connection ended during a command, except by a timeout, so that the command may have been run.
func Lost(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return broken(err) && !TimedOut(err) && !(ok && op.Op == "dial")
}
