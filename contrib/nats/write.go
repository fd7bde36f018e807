package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A write is one entry to be stored.
type write struct {
	subject string
	data    []byte
	lasts   time.Time // the server removes the entry up to two seconds after this time
	expires time.Time // of a record: see headerExpires
	remove  bool      // what stood under the subject is removed

	checked bool   // seq must be the number of the entry that stands there, 0 if there is none
	seq     uint64 // that number
}

// at returns the write with a check of the number.
func (w write) at(seq uint64) write {
	w.checked, w.seq = true, seq
	return w
}

// message returns the write as the client's message.
func (w write) message(id string) *nats.Msg {
	m := nats.NewMsg(w.subject)
	m.Data = w.data
	m.Header.Set(headerWrite, id)
	m.Header.Set(jetstream.MsgTTLHeader, ttl(time.Until(w.lasts)))
	if !w.expires.IsZero() {
		m.Header.Set(headerExpires, strconv.FormatInt(w.expires.UnixMilli(), 10))
	}
	if !w.lasts.Equal(w.expires) {
		m.Header.Set(headerLasts, strconv.FormatInt(w.lasts.UnixMilli(), 10))
	}
	if w.remove {
		m.Header.Set(headerRemoved, removed)
	}
	if w.checked {
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(w.seq, 10))
	}
	return m
}

// ttl returns a duration in whole seconds, which is all that the server counts in: rounded up, and at least one.
func ttl(d time.Duration) string {
	return strconv.FormatInt(max(int64((d+time.Second-1)/time.Second), 1), 10) + "s"
}

// Headers of the messages of an atomic batch.
const (
	headerBatch  = "Nats-Batch-Id"
	headerNumber = "Nats-Batch-Sequence"
	headerCommit = "Nats-Batch-Commit"
)

// Codes of the server's errors.
const (
	codeWrong      = 10071 // another number than expected
	codeWrongNow   = 10164 // the same, while another write is under way
	codeIncomplete = 10176 // the leader has changed during the batch
	codeTooMany    = 10210 // too many batches at once
	codeNotReady   = 10008 // JetStream has no leader for the moment
	codeTooLarge   = 10054
	codeNoPeers    = 10005 // the cluster has not enough servers for the replicas, so far
)

// errChanged says that nothing was written, because another entry stands there than expected.
var errChanged = errors.New("somebody else has written")

// store makes all writes in one step, if the checks of all of them hold, and returns the number of the last one. Those
// before it have the numbers before that. Otherwise nothing is written, and the error is errChanged.
//
// If the answer is lost, store sends the same again. It can then tell from the entry whether the first try was made. If it
// cannot, because another write may have replaced the entry, the error says that the outcome is unclear.
func (c *client) store(ctx context.Context, op string, writes ...write) (seq uint64, err error) {
	id := strconv.FormatUint(rand.Uint64(), 36)
	var lost error // of a try that may have been made
	for try := 0; ; try++ {
		err := c.once(ctx, func(ctx context.Context) (err error) {
			seq, err = c.send(ctx, id, try, writes)
			return err
		})
		switch kindOf(err) {
		case made:
			return seq, nil
		case changed:
			fate, seq, findErr := c.find(ctx, op, id, writes, refusal{numberIn(err), lost != nil})
			switch {
			case findErr != nil:
				return 0, findErr
			case fate == made:
				return seq, nil
			case fate == changed && lost == nil:
				return 0, errChanged
			case fate == changed:
				return 0, fail(ctx, op, lost)
			}
		case unclear:
			lost = err
		case refused:
			return 0, fail(ctx, op, err)
		}
		if !wait(ctx, try) {
			return 0, fail(ctx, op, errors.Join(lost, err))
		}
	}
}

// A refusal is what a server has said of a step that it has not made.
type refusal struct {
	other uint64 // the number of the entry that stands where a write expects another, 0 if there is none
	lost  bool   // the answer to an earlier try is lost
}

// find returns the fate of a step that was refused: made, changed if it never will be made, or unclear.
//
// For a moment a cluster may have two leaders. Both get what is sent, and the one that lags may refuse what the other stores.
// It says so by a lower number than expected. Only a higher number proves that the step cannot have been made. With several
// writes it must be looked up for which of them that is. A leader that refuses by a lower number, but has had the entry that
// was expected, does not lag: that entry has expired, or was purged.
func (c *client) find(ctx context.Context, op, id string, writes []write, r refusal) (fate kind, seq uint64, err error) {
	if len(writes) == 1 && !r.lost && r.other > writes[0].seq {
		return changed, 0, nil
	}
	fate = unclear
	for i, w := range writes {
		if !w.checked {
			continue
		}
		e, err := c.get(ctx, op, w.subject)
		switch is := e.number(); {
		case err != nil:
			return unclear, 0, err
		case e != nil && e.header.Get(headerWrite) == id: // all entries of one step have its id
			return made, e.seq + uint64(len(writes)-1-i), nil
		case is > w.seq && (r.lost || is == r.other):
			fate = changed
		case is < w.seq:
			if had, err := c.has(ctx, op, w.seq); err != nil {
				return unclear, 0, err
			} else if had {
				fate = changed
			}
		}
	}
	return fate, 0, nil
}

// has reports whether the leader has had the entry with this number.
func (c *client) has(ctx context.Context, op string, seq uint64) (has bool, err error) {
	err = c.again(ctx, op, func(ctx context.Context) error {
		info, err := c.stream.Info(ctx)
		has = err == nil && info.State.LastSeq >= seq
		return err
	})
	return has, err
}

// numberIn returns the number of the entry that stands there instead, from the error of a server, 0 if there is none.
func numberIn(err error) uint64 {
	if answer, ok := errors.AsType[*jetstream.APIError](err); ok {
		_, text, _ := strings.Cut(answer.Description, "wrong last sequence: ")
		n, _ := strconv.ParseUint(text, 10, 64)
		return n
	}
	return 0
}

// send sends the writes once: one as a message, several as an atomic batch.
func (c *client) send(ctx context.Context, id string, try int, writes []write) (seq uint64, err error) {
	last := len(writes) - 1
	batch := id + "." + strconv.Itoa(try)
	var m *nats.Msg
	for i, w := range writes {
		m = w.message(id)
		if last > 0 {
			m.Header.Set(headerBatch, batch)
			m.Header.Set(headerNumber, strconv.Itoa(i+1))
		}
		if i < last {
			if err := c.nc.PublishMsg(m); err != nil {
				return 0, fmt.Errorf("%w: %w", errPartial, err)
			}
		}
	}
	if last > 0 {
		m.Header.Set(headerCommit, "1")
	}
	response, err := c.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Error *jetstream.APIError
		Seq   uint64
	}
	switch err := json.Unmarshal(response.Data, &answer); {
	case err != nil:
		return 0, errUnexpected
	case answer.Error != nil:
		return 0, answer.Error
	case answer.Seq == 0:
		return 0, errUnexpected
	}
	return answer.Seq, nil
}

// errPartial says that a batch was not sent whole, so that the server drops it.
var errPartial = errors.New("the batch is incomplete")
