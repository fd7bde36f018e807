package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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

	checked bool   // the entry at the place must still stand there, or none if the place has none
	place          // the one that is replaced
	of      string // a subject to check instead of the own
}

// over returns the write with a check of what it replaces.
func (w write) over(p place) write {
	w.checked, w.place = true, p
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
		m.Header.Set(headerEarlier, w.place.String())
	}
	if w.of != "" {
		m.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, w.of)
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

// store makes all writes in one step, if the checks of all of them hold, and returns the place of the last one. The entries
// before it have the numbers before that. Otherwise nothing is written, and the error is errChanged.
//
// If the answer is lost, store sends the same again. The entries tell whether the first try was made. If they no longer do,
// because several others have replaced them, the error says that the outcome is unclear.
func (c *client) store(ctx context.Context, op string, writes ...write) (place, error) {
	id := newID()
	var doubt error // of a try that may have been made
	for try := 0; ; try++ {
		seq, err := once(ctx, c, func(ctx context.Context) (uint64, error) { return c.send(ctx, id, try, writes) })
		kind := kindOf(err)
		if kind == unclear || kind == changed && isOld(err, writes) || codeOf(err) == codeIncomplete {
			doubt = err
		}
		if kind == changed {
			var findErr error
			switch kind, seq, findErr = c.find(ctx, op, id, writes, doubt != nil); {
			case findErr != nil:
				return place{}, findErr
			case kind == changed:
				return place{}, errChanged
			case kind == forgotten:
				return place{}, fail(ctx, op, doubt)
			}
		}
		switch {
		case kind == made:
			return writes[len(writes)-1].next(seq, id), nil
		case kind == refused:
			return place{}, fail(ctx, op, err)
		case !wait(ctx, try):
			return place{}, fail(ctx, op, errors.Join(doubt, err))
		}
	}
}

// newID returns the id of a step.
func newID() string { return strconv.FormatUint(rand.Uint64(), 36) }

// isOld reports whether a refusal comes from a leader that has not seen what the writes replace. For a moment a cluster may
// have two leaders. Both get what is sent, and the new one may store what the old one refuses.
func isOld(err error, writes []write) bool {
	if codeOf(err) != codeWrong {
		return false
	}
	is := numberIn(err)
	return !slices.ContainsFunc(writes, func(w write) bool { return w.checked && is > w.seq })
}

// find returns what has become of a step that was refused: made, with the number of its last entry, changed if it never will
// be made, or unclear if it may still be. With doubt an earlier try may have been made. If too many others have written since
// to tell, find returns forgotten. If no earlier try may have been made, the step is changed: whoever refused it had the later
// entries.
func (c *client) find(ctx context.Context, op, id string, writes []write, doubt bool) (fate kind, seq uint64, err error) {
	fate = unclear
	for i, w := range writes {
		if !w.checked {
			continue
		}
		e, err := c.get(ctx, op, w.subject)
		if err != nil {
			return unclear, 0, err
		}
		is := e.place()
		if seq, ok := is.find(id); ok { // all entries of one step have its id
			return made, seq + uint64(len(writes)-1-i), nil
		}
		switch {
		case is.seq > w.seq && (is.reaches(w.seq) || !doubt):
			fate = changed
		case is.seq > w.seq && fate != changed:
			fate = forgotten
		case is.seq < w.seq: // it has expired or was purged, or the answer is from an old leader
			gone, err := c.confirm(ctx, op, w.subject, is.seq)
			switch {
			case err != nil:
				return unclear, 0, err
			case gone:
				fate = changed
			}
		}
	}
	return fate, 0, nil
}

// confirm reports whether it is certain that the entry with this number, or none for 0, is the last one under the subject. Only
// the leader with a majority behind it can say so: it stores an entry without a meaning under this condition.
func (c *client) confirm(ctx context.Context, op, subject string, seq uint64) (bool, error) {
	w := write{subject: c.barrier, lasts: time.Now(), of: subject}.over(place{seq: seq})
	_, err := once(ctx, c, func(ctx context.Context) (uint64, error) { return c.send(ctx, newID(), 0, []write{w}) })
	if kindOf(err) == refused {
		return false, fail(ctx, op, err)
	}
	return err == nil, nil
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
