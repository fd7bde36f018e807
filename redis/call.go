package redis

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// A call is one command. The client sends it once; whether it may be sent again is decided here, because a
// compare-and-set whose answer was lost would take its own version for somebody else's.
type call struct {
	args   []any
	script *script // which args run, if any
	once   bool    // not to be sent again where it may have been run
	cmd    *redis.Cmd
}

// plainCall returns a call that may be sent again whatever became of it.
func plainCall(args ...any) *call { return &call{args: args} }

// onceCall returns a call that must not run twice.
func onceCall(args ...any) *call { return &call{args: args, once: true} }

// unrepeated is a command that the client does not repeat by itself.
type unrepeated struct{ *redis.Cmd }

func (unrepeated) NoRetry() bool { return true }

// next returns the command for one more try.
func (c *call) next(ctx context.Context) redis.Cmder {
	c.cmd = redis.NewCmd(ctx, c.args...)
	return unrepeated{c.cmd}
}

// inFull makes a call of a script one that brings the script along.
func (c *call) inFull() {
	if c.script != nil {
		c.args[0], c.args[1] = "eval", c.script.text
	}
}

// err returns what is wrong with the answer. No value is an answer, too.
func (c *call) err() error {
	if err := c.cmd.Err(); !errors.Is(err, redis.Nil) {
		return err
	}
	return nil
}

// none reports whether the answer was no value.
func (c *call) none() bool { return errors.Is(c.cmd.Err(), redis.Nil) }

// send sends the calls in one trip, and what must be sent again in more. It returns nil when all of them have
// an answer.
func (s *client) send(ctx context.Context, op string, calls ...*call) error {
	for try := 0; ; {
		s.exec(ctx, calls)
		var (
			failed  []*call
			err     error
			unknown = true // the only thing wrong is that the server did not know a script
			again   = true
		)
		for _, c := range calls {
			e := c.err()
			if e == nil {
				continue
			}
			failed = append(failed, c)
			if c.script != nil && redis.HasErrorPrefix(e, "NOSCRIPT") && c.args[0] == "evalsha" {
				c.inFull()
				continue
			}
			if err == nil {
				err = e
			}
			unknown = false
			again = again && (refused(e) || !c.once && broken(e))
		}
		switch {
		case failed == nil:
			return nil
		case unknown:
		case !again || try == len(pauses) || !pause(ctx, pauses[try]):
			return fail(ctx, op, err)
		default:
			try++
		}
		calls = failed
	}
}

func (s *client) exec(ctx context.Context, calls []*call) {
	if len(calls) == 1 {
		s.rdb.Process(ctx, calls[0].next(ctx)) // the error is in the command
		return
	}
	pipe := s.rdb.Pipeline()
	for _, c := range calls {
		pipe.Process(ctx, c.next(ctx))
	}
	pipe.Exec(ctx) // the errors are in the commands
}

// pauses are those before another try, two seconds in all: a server that starts, or a replica that is about
// to become the master, says so and is tried again.
var pauses = []time.Duration{
	10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond,
	400 * time.Millisecond, 600 * time.Millisecond, 600 * time.Millisecond,
}

// pause waits for about d. It reports false when ctx is over, or will be by then.
func pause(ctx context.Context, d time.Duration) bool {
	d = d/2 + rand.N(d)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// refused reports whether err says that the command was not run, and that it may be soon.
func refused(err error) bool {
	for _, prefix := range []string{"LOADING", "READONLY", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "max number of clients"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// broken reports whether err is of the connection, so that the command may have been run or not.
func broken(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op != "dial" && !op.Timeout()
}
