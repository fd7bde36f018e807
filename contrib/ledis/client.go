package ledis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/internal/millis"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// A client is the part that both layouts share: the connections, and how scripts are run.
type client struct {
	rdb      *redis.Client
	password string
	handle   *handle // the server in this process, or nil
	logger   *slog.Logger
	closing  sync.Once

	caller string        // what the answers for this client begin with
	calls  atomic.Uint64 // numbers them
	raise  atomic.Bool   // the next script puts its answer on top again: see begin.lua
}

func newClient(o *redis.Options, h *handle, l *slog.Logger) *client {
	rediscall.Lines.Add(l)
	return &client{rdb: redis.NewClient(o), password: o.Password, handle: h, logger: l, caller: rand.Text()}
}

// Close implements [io.Closer]. It also stops the server in this process, if no other backend uses it.
func (s *client) Close() (err error) {
	s.closing.Do(func() {
		err = s.rdb.Close()
		rediscall.Lines.Remove(s.logger)
		if s.handle != nil {
			s.handle.release()
		}
	})
	return err
}

// Ping implements [driver.Pinger]. It runs a script that removes a name which does not exist: a server that has become
// read-only refuses that.
func (s *client) Ping(ctx context.Context) error {
	_, err := s.run(ctx, call{op: "ping", script: clearScript, keys: []string{"session-ping"}, again: true})
	return err
}

// A call runs a script.
type call struct {
	op     string
	script *script
	keys   []string
	args   []any
	again  bool // may run twice: the second time changes nothing, and has the same answer
}

// An answer is what a script has put into its table. value is "" if there is none.
type answer struct {
	code  int64
	value string
}

// run runs a script. It repeats what was certainly not run, and calls that may run twice. Otherwise, if an answer is lost,
// it returns an error: a second try would take its own version for somebody else's.
func (s *client) run(ctx context.Context, c call) (answer, error) {
	a, err := s.runAs(ctx, c)
	if refused, _ := errors.AsType[refusal](err); refused == errUnknown && s.password != "" {
		auth := call{op: c.op, script: authScript, args: []any{s.password}, again: true}
		if _, err := s.runAs(ctx, auth); err != nil {
			return answer{}, err
		}
		return s.runAs(ctx, c)
	}
	return a, err
}

// errUnknown refuses every command of a script until a script has said the password, once after each start of the server.
const errUnknown refusal = "not authenticated"

// runAs is run if the server's interpreter has said the password.
func (s *client) runAs(ctx context.Context, c call) (answer, error) {
	var r rediscall.Retries
	for whole := false; ; {
		id := s.caller + strconv.FormatUint(s.calls.Add(1), 10)
		text, name := "evalsha", c.script.hash
		if whole {
			text, name = "eval", c.script.text
		}
		args := append(make([]any, 0, 6+len(c.keys)+len(c.args)), text, name, len(c.keys))
		for _, key := range c.keys {
			args = append(args, key)
		}
		top := "0"
		if s.raise.Swap(false) {
			top = "1"
		}
		args = append(append(args, id, top, moment(time.Now())), c.args...)
		cmd := redis.NewCmd(ctx, args...)
		err := s.rdb.Process(ctx, unrepeated{cmd})
		switch {
		case err == nil || errors.Is(err, redis.Nil): // nil: nothing is on top, because something there was nil
			a, err := s.answered(cmd, id)
			if errors.Is(err, errNotOurs) && c.again && r.May(io.EOF, false) && r.Pause(ctx) {
				continue
			}
			if err != nil {
				return a, fail(ctx, c.op, err)
			}
			return a, nil
		case !whole && redis.HasErrorPrefix(err, "NOSCRIPT"):
			whole = true
			continue
		}
		if top == "1" {
			s.raise.Store(true) // it may not have been run
		}
		if !r.May(err, !c.again) || !r.Pause(ctx) {
			return answer{}, fail(ctx, c.op, err)
		}
	}
}

// A refusal is the text with which LedisDB refused what a script tried. The record is as it was.
type refusal string

func (e refusal) Error() string { return "LedisDB: " + string(e) }

var errNotOurs = errors.New("the answer of the server is somebody else's: only this package may run scripts on it")

// answered reads the answer of a script.
func (s *client) answered(cmd *redis.Cmd, id string) (a answer, err error) {
	list, _ := cmd.Val().([]any)
	if len(list) != 3 || list[0] != id {
		s.raise.Store(true)
		return a, errNotOurs
	}
	code, ok := list[1].(int64)
	if !ok {
		return a, rediscall.ErrUnexpected
	}
	value, _ := list[2].(string)
	if code == failed {
		return a, refusal(value)
	}
	return answer{code, value}, nil
}

// unrepeated is a command that go-redis does not repeat itself.
type unrepeated struct{ *redis.Cmd }

func (unrepeated) NoRetry() bool { return true }

// read sends commands that change nothing, in one round trip, and repeats all of them if necessary. commands returns them for
// each try.
func (s *client) read(ctx context.Context, op string, commands func() []redis.Cmder) error {
	for r := (rediscall.Retries{}); ; {
		cmds := commands()
		pipe := s.rdb.Pipeline()
		for _, cmd := range cmds {
			pipe.Process(ctx, cmd)
		}
		pipe.Exec(ctx) // the errors are in the commands
		var err error
		for _, cmd := range cmds {
			if e := cmd.Err(); e != nil && !errors.Is(e, redis.Nil) {
				err = e
			}
		}
		switch {
		case err == nil:
			return nil
		case !r.May(err, false), !r.Pause(ctx):
			return fail(ctx, op, err)
		}
	}
}

// moment returns a time as scripts compare it: eight bytes in ms.
func moment(t time.Time) string {
	n := max(millis.Of(t), 0)
	var b [8]byte
	for i := range b {
		b[i] = byte(n >> (56 - 8*i))
	}
	return string(b[:])
}

// fail wraps an error of the client once. If ctx is done, it wraps the error of ctx instead.
func fail(ctx context.Context, op string, err error) error {
	return fmt.Errorf("session/ledis: %s: %w", op, rediscall.Cause(ctx, err))
}
