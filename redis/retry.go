package redis

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

// retries counts the tries of one call.
type retries struct{ made int }

// pauses are those before another try, two seconds in all.
var pauses = [...]time.Duration{
	10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond,
	400 * time.Millisecond, 600 * time.Millisecond, 600 * time.Millisecond,
}

// may reports whether there may be another try after err. once says that the command must not run twice.
func (r *retries) may(err error, once bool) bool {
	dial := &net.OpError{}
	switch {
	case refused(err):
		return r.made < len(pauses)
	case errors.As(err, &dial) && dial.Op == "dial":
		if dial.Timeout() {
			return r.made < 1
		}
		return r.made < 4 // who restarts a server is back soon, and else nobody should wait long
	case once:
		return false
	case timedOut(err):
		return r.made < 1
	}
	return broken(err) && r.made < len(pauses)
}

// pause waits before another try. It reports false when ctx is over, or will be by then.
func (r *retries) pause(ctx context.Context) bool {
	r.made++
	return waitAbout(ctx, pauses[r.made-1])
}

// waitAbout waits for about d. It does not begin to wait if ctx is over before that.
func waitAbout(ctx context.Context, d time.Duration) bool {
	d = d/2 + rand.N(d)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	return pause.For(ctx, d)
}

// refused reports whether err says that the command was not run, and that it may be soon: a server that starts,
// and a replica that is about to become the master, say so.
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

// broken reports whether err is of the connection, so that the command may have run or not.
func broken(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	_, operation := errors.AsType[*net.OpError](err)
	_, system := errors.AsType[syscall.Errno](err)
	return operation || system
}

// timedOut reports whether no answer came in time.
func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
