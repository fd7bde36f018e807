package nats

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// patience is how long a call waits for the answer before it asks again, perhaps another server. Two tries fit into a
// manager's opTimeout of 5 seconds.
const patience = 2 * time.Second

// A client makes the calls of one bucket's stream.
type client struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	own    bool // Close closes the connection
	closed atomic.Bool

	getSubject string // of requests for an entry
	barrier    string // the subject of entries without a meaning
}

// Close implements [io.Closer].
func (c *client) Close() error {
	if !c.closed.Swap(true) && c.own {
		c.nc.Close()
	}
	return nil
}

// An entry is a message of the stream: the last one of its subject.
type entry struct {
	seq    uint64
	header nats.Header
	data   []byte
}

// The headers that this package gives to entries, and some of the server's.
const (
	headerWrite   = "Session-Write"   // distinguishes the steps, so that one whose answer was lost can be found
	headerEarlier = "Session-Earlier" // the entries that this one has replaced: see place
	headerExpires = "Session-Expires" // of a record alone: when it expires, in milliseconds, for those who read no data
	headerLasts   = "Session-Lasts"   // if that is another time: until when the server keeps the entry
	headerRemoved = "KV-Operation"    // its value says that the entry is removed
	removed       = "PURGE"
)

// isRemoved reports whether nothing stands under the entry's subject.
func (e *entry) isRemoved() bool { return e == nil || e.header.Get(headerRemoved) != "" }

// lasts returns until when the server keeps the entry, the zero time if this package has not written it.
func (e *entry) lasts() time.Time {
	if e == nil {
		return time.Time{}
	}
	ms, err := strconv.ParseInt(cmp.Or(e.header.Get(headerLasts), e.header.Get(headerExpires)), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// place returns the entry's place, the zero value for none.
func (e *entry) place() place {
	if e == nil {
		return place{}
	}
	before := place{1, e.header.Get(headerEarlier)} // its number does not matter
	return before.next(e.seq, e.header.Get(headerWrite))
}

// A getAnswer is the server's answer to a request for an entry. The fields have the names of its JSON keys.
type getAnswer struct {
	Error   *jetstream.APIError
	Message *struct {
		Seq  uint64
		Hdrs []byte
		Data []byte
	}
}

// get returns the entry under a subject, nil if there is none. It asks the leader of the stream: with AllowDirect a replica
// would answer, which may not have the last write yet.
func (c *client) get(ctx context.Context, op, subject string) (*entry, error) {
	request := []byte(`{"last_by_subj":"` + subject + `"}`) // no subject needs escaping
	return again(ctx, c, op, func(ctx context.Context) (*entry, error) { return c.getOnce(ctx, request) })
}

func (c *client) getOnce(ctx context.Context, request []byte) (*entry, error) {
	m, err := c.nc.RequestWithContext(ctx, c.getSubject, request)
	if err != nil {
		return nil, err
	}
	var answer getAnswer
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return nil, errUnexpected // the error may quote the answer
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, nil
	case answer.Error != nil:
		return nil, answer.Error
	case answer.Message == nil:
		return nil, errUnexpected
	}
	e := &entry{seq: answer.Message.Seq, data: answer.Message.Data}
	if len(answer.Message.Hdrs) > 0 {
		if e.header, err = nats.DecodeHeadersMsg(answer.Message.Hdrs); err != nil {
			return nil, errUnexpected
		}
	}
	return e, nil
}

// errUnexpected replaces the error of an answer that could not be parsed.
var errUnexpected = errors.New("the answer of the server was not understood")

// again makes a call that may run twice, until the server answers or ctx is done.
func again[T any](ctx context.Context, c *client, op string, call func(ctx context.Context) (T, error)) (T, error) {
	for try := 0; ; try++ {
		is, err := once(ctx, c, call)
		if kind := kindOf(err); kind != unsent && kind != unclear || !wait(ctx, try) {
			return is, fail(ctx, op, err)
		}
	}
}

// once makes one try of a call. It returns when ctx is done, even if the call goes on: while the client connects again, it
// holds a lock that every call needs, and a server that is halted keeps it waiting for up to dialTimeout.
func once[T any](ctx context.Context, c *client, call func(ctx context.Context) (T, error)) (is T, err error) {
	if c.closed.Load() {
		return is, driver.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return is, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	type answer struct {
		is  T
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		defer cancel()
		is, err := call(ctx)
		answers <- answer{is, err}
	}()
	select {
	case a := <-answers:
		return a.is, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-answers: // it has come at the same moment
		return a.is, a.err
	default:
		return is, ctx.Err()
	}
}

// wait waits a moment before another try, for longer each time. It returns false if there is no time for one.
func wait(ctx context.Context, try int) bool {
	d := min(time.Millisecond<<min(try, 10), 200*time.Millisecond)
	return pause.For(ctx, d/2+rand.N(d))
}

// A kind is what an error says of a write, or a look at the entries.
type kind int

const (
	made      kind = iota
	changed        // not made: something else stands there
	unsent         // not made, and may be tried again
	refused        // not made, and trying again is useless
	unclear        // may have been made, or will be
	forgotten      // may have been made, and it can no longer be found out
)

func kindOf(err error) kind {
	if err == nil {
		return made
	}
	if answer, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch answer.ErrorCode {
		case codeWrong, codeWrongNow:
			return changed
		case codeIncomplete, codeTooMany, codeNotReady:
			return unsent
		}
		return refused
	}
	switch {
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, driver.ErrClosed),
		errors.Is(err, errUnexpected):
		return refused
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, errPartial):
		return unsent
	}
	return unclear
}

// fail wraps an error of the client once. If ctx is done, it wraps the error of ctx, too.
func fail(ctx context.Context, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload), codeOf(err) == codeTooLarge:
		return fmt.Errorf("session/nats: %s: %w: the server takes smaller messages only", op, driver.ErrTooLarge)
	case errors.Is(err, driver.ErrClosed):
		return err
	}
	deadline, ok := ctx.Deadline()
	switch {
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("session/nats: %s: %w: %w", op, ctx.Err(), err)
	case ok && !time.Now().Before(deadline) && !errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("session/nats: %s: %w: %w", op, context.DeadlineExceeded, err)
	}
	return fmt.Errorf("session/nats: %s: %w", op, err)
}

func codeOf(err error) jetstream.ErrorCode {
	if answer, ok := errors.AsType[*jetstream.APIError](err); ok {
		return answer.ErrorCode
	}
	return 0
}
