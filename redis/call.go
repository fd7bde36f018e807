package redis

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// A call is one command. The client sends it once. This file decides whether it may be sent again: if the answer to a
// compare-and-set were lost, a second try would take its own version for someone else's.
type call struct {
	args   []any
	room   [12]any // where args begins, so that most calls are one allocation
	script *script // the script that args run, if any
	once   bool    // must not be sent again if it may have run
	typed  bool    // a key of another type counts as no value: it is a mark
	cmd    *redis.Cmd
	sent   int // number of tries, without those whose answer says that the command was not run
}

// newCall returns a call with these arguments, and room for more.
func newCall(args ...any) *call {
	c := new(call)
	c.args = append(c.room[:0], args...)
	return c
}

// plainCall returns a call that may always be sent again.
func plainCall(args ...any) *call { return newCall(args...) }

// onceCall returns a call that must not run twice.
func onceCall(args ...any) *call {
	c := newCall(args...)
	c.once = true
	return c
}

// recordCall returns a call that reads a record. It treats a mark as no record.
func recordCall(args ...any) *call {
	c := newCall(args...)
	c.typed = true
	return c
}

// repeatable allows the call to be sent again, because running it twice has the same effect as running it once.
func (c *call) repeatable() *call {
	c.once = false
	return c
}

// unrepeated is a command that go-redis does not repeat itself.
type unrepeated struct{ *redis.Cmd }

func (unrepeated) NoRetry() bool { return true }

// next returns the command for the next try.
func (c *call) next(ctx context.Context) redis.Cmder {
	c.cmd = redis.NewCmd(ctx, c.args...)
	c.sent++
	return unrepeated{c.cmd}
}

// inFull makes a script's call send the text of the script instead of its hash.
func (c *call) inFull() {
	if c.script != nil {
		c.args[0], c.args[1] = "eval", c.script.text
	}
}

// err returns the error of the answer. "No value" is not an error.
func (c *call) err() error {
	err := c.cmd.Err()
	if errors.Is(err, redis.Nil) || c.typed && wrongType(err) {
		return nil
	}
	return err
}

// wrongType reports whether err says that the key has a type that the command does not handle.
func wrongType(err error) bool { return redis.HasErrorPrefix(err, "WRONGTYPE") }

// none reports whether the answer was no value.
func (c *call) none() bool { return errors.Is(c.cmd.Err(), redis.Nil) }

// send sends the calls in one round trip, and sends some of them again if necessary. It returns nil when every call has an
// answer.
func (s *client) send(ctx context.Context, op string, calls ...*call) error {
	var r rediscall.Retries
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
			case !r.May(err, c.once):
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
		case !again, len(unknown) < len(failed) && !r.Pause(ctx):
			return fail(ctx, op, worst)
		}
		for _, c := range unknown {
			c.inFull()
			c.sent-- // the script was not run
		}
		calls = failed
	}
}

// unknown reports whether err says that the server does not know the script, and the call can be repeated with its text.
func (c *call) unknown(err error) bool {
	return c.script != nil && c.args[0] == "evalsha" && redis.HasErrorPrefix(err, "NOSCRIPT")
}

func (s *client) exec(ctx context.Context, calls []*call) {
	if len(calls) == 1 {
		s.rdb.Process(ctx, calls[0].next(ctx)) // the error is in the command
		return
	}
	pipe := s.pipeline()
	for _, c := range calls {
		pipe.Process(ctx, c.next(ctx))
	}
	s.run(ctx, pipe)
}
