package redis

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// A call is one command. The client sends it once; whether it may be sent again is decided here, because a
// compare-and-set whose answer was lost would take its own version for somebody else's.
type call struct {
	args   []any
	script *script // which args run, if any
	once   bool    // not to be sent again where it may have been run
	typed  bool    // that the key has another type says no value: it has a mark
	cmd    *redis.Cmd
	sent   int // how often, but for answers that say that it has not run
}

// plainCall returns a call that may be sent again whatever became of it.
func plainCall(args ...any) *call { return &call{args: args} }

// onceCall returns a call that must not run twice.
func onceCall(args ...any) *call { return &call{args: args, once: true} }

// recordCall returns a call that reads a record. A mark is none.
func recordCall(args ...any) *call { return &call{args: args, typed: true} }

// repeatable says that the call may be sent again: twice is as once.
func (c *call) repeatable() *call {
	c.once = false
	return c
}

// unrepeated is a command that the client does not repeat by itself.
type unrepeated struct{ *redis.Cmd }

func (unrepeated) NoRetry() bool { return true }

// next returns the command for one more try.
func (c *call) next(ctx context.Context) redis.Cmder {
	c.cmd = redis.NewCmd(ctx, c.args...)
	c.sent++
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
	err := c.cmd.Err()
	if errors.Is(err, redis.Nil) || c.typed && wrongType(err) {
		return nil
	}
	return err
}

// wrongType reports whether err says that a key has another type than the command is for.
func wrongType(err error) bool { return redis.HasErrorPrefix(err, "WRONGTYPE") }

// none reports whether the answer was no value.
func (c *call) none() bool { return errors.Is(c.cmd.Err(), redis.Nil) }

// send sends the calls in one trip, and what must be sent again in more. It returns nil when all of them have
// an answer.
func (s *client) send(ctx context.Context, op string, calls ...*call) error {
	var r retries
	for {
		s.exec(ctx, calls)
		var (
			failed, unknown []*call
			worst           error
			again           = true
		)
		for _, c := range calls {
			err := c.err()
			switch {
			case err == nil:
				continue
			case c.unknown(err):
				unknown = append(unknown, c)
			case !r.may(err, c.once):
				again = false
				worst = err
			case worst == nil:
				worst = err
			}
			failed = append(failed, c)
		}
		switch {
		case failed == nil:
			return nil
		case !again, len(unknown) < len(failed) && !r.pause(ctx):
			return fail(ctx, op, worst)
		}
		for _, c := range unknown {
			c.inFull()
			c.sent-- // it has not run
		}
		calls = failed
	}
}

// unknown reports whether err says that the server has not run the script for not knowing it, and the call can
// bring it along.
func (c *call) unknown(err error) bool {
	return c.script != nil && c.args[0] == "evalsha" && redis.HasErrorPrefix(err, "NOSCRIPT")
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
