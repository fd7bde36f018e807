package nats

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/listing"
)

// Count implements [driver.Counter]. It reads the headers of all sessions of the namespace.
func (s *store) Count(ctx context.Context) (int, error) {
	seen := make(map[string]bool) // whether the newest entry is a live record
	err := s.scan(ctx, "count", true, func(m jetstream.Msg) bool {
		ms, err := strconv.ParseInt(m.Headers().Get(headerExpires), 10, 64)
		seen[m.Subject()] = err == nil && time.Now().Before(time.UnixMilli(ms))
		return true
	})
	n := 0
	for _, live := range seen {
		if live {
			n++
		}
	}
	return n, err
}

// List implements [driver.Lister]. It reads all sessions of the namespace. A session that is stored meanwhile can come twice,
// so List remembers the subjects.
func (s *store) List(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		seen, stopped := make(map[string]bool), false
		err := s.scan(ctx, "list", false, func(m jetstream.Msg) bool {
			f := decode(&entry{header: m.Headers(), data: m.Data()})
			if !f.live || seen[m.Subject()] {
				return true
			}
			seen[m.Subject()] = true
			f.rec.Data = nil
			stopped = !yield(driver.Entry{Key: s.keys.key(m.Subject()), Record: f.rec}, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(driver.Entry{}, err)
		}
	}
}

// scan calls each with the entries of all sessions and marks, until that returns false. An entry that stays during the scan
// comes once at least. An entry that is replaced comes again.
//
// A consumer delivers what a replica has, which may lag behind. So scan first stores an entry of its own. Once that has come,
// everything older has come, too. An entry that is replaced moves to the end of the stream; so scan goes on until nothing is
// left.
func (s *store) scan(ctx context.Context, op string, headersOnly bool, each func(m jetstream.Msg) bool) error {
	consumer, err := again(ctx, s.client, op, func(ctx context.Context) (jetstream.Consumer, error) {
		return s.js.OrderedConsumer(ctx, s.stream.CachedInfo().Config.Name, jetstream.OrderedConsumerConfig{
			FilterSubjects:    []string{s.keys.sessions(), s.barrier},
			DeliverPolicy:     jetstream.DeliverAllPolicy,
			HeadersOnly:       headersOnly,
			InactiveThreshold: 30 * time.Second,
			MaxResetAttempts:  2,
		})
	})
	if err != nil {
		return err
	}
	defer s.forget(consumer)
	barrier := write{subject: s.barrier, lasts: time.Now().Add(time.Minute)}
	last, err := s.store(ctx, op, barrier)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fail(ctx, op, err)
	}
	defer messages.Stop()
	for {
		m, err := next(ctx, messages)
		switch {
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil: // another call has replaced the entry by one that did not last
			if last, err = s.store(ctx, op, barrier); err != nil {
				return err
			}
			continue
		case err != nil:
			return fail(ctx, op, err)
		}
		at, err := m.Metadata()
		if err != nil {
			return fail(ctx, op, err)
		}
		if m.Subject() != s.barrier && !each(m) {
			return nil
		}
		if at.Sequence.Stream >= last.seq && at.NumPending == 0 {
			return nil
		}
	}
}

// Clear implements [driver.Clearer]. It replaces each session, as a removal does, instead of purging: a server that is killed
// would find earlier states of the sessions on its disk. Only the indexes are purged: their members are checked whenever they
// are read.
func (s *store) Clear(ctx context.Context) error {
	var removals []write
	err := s.scan(ctx, "clear", true, func(m jetstream.Msg) bool {
		if e := (&entry{header: m.Headers()}); !e.isRemoved() {
			lasts := later(time.Now().Add(memory), e.lasts())
			removals = append(removals, write{subject: m.Subject(), lasts: lasts, remove: true})
		}
		return true
	})
	if err != nil {
		return err
	}
	for part := range slices.Chunk(removals, atOneStep) {
		if _, err := s.store(ctx, "clear", part...); err != nil {
			return err
		}
	}
	for _, subject := range s.keys.indexes() {
		_, err := again(ctx, s.client, "clear", func(ctx context.Context) (any, error) {
			return nil, s.stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
		})
		if err != nil {
			return err
		}
	}
	_, err = s.store(ctx, "clear", write{subject: s.keys.cleared(), lasts: time.Now().Add(memory)})
	return err
}

// ListUser implements [driver.UserLister].
func (s *store) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	return s.listOf(ctx, "list user", index{"u", user})
}

// ListAlias implements [driver.AliasLister].
func (s *store) ListAlias(ctx context.Context, alias string) iter.Seq2[driver.Entry, error] {
	return s.listOf(ctx, "list alias", index{"a", alias})
}

// listOf yields the sessions of an index.
func (s *store) listOf(ctx context.Context, op string, x index) iter.Seq2[driver.Entry, error] {
	return listing.Whole(ctx, func(gone func(key string)) (list []driver.Entry, err error) {
		if x.name == "" { // there is no index for the empty name
			return nil, nil
		}
		members, err := s.allMembers(ctx, op, x)
		if err != nil {
			return nil, err
		}
		found := make([]found, len(members))
		err = each(len(members), func(i int) (err error) {
			found[i], err = s.lookAtMember(ctx, op, x, &members[i])
			return err
		})
		for i, f := range found {
			if f.live && x.has(&f.rec) {
				f.rec.Data = nil
				list = append(list, driver.Entry{Key: members[i].key, Record: f.rec})
			} else if !members[i].reserved && !members[i].isOver() {
				gone(members[i].key)
			}
		}
		return list, err
	})
}

// atOnce is how many requests of one call are under way at the same time.
const atOnce = 64

// each calls do for the numbers from 0 to n-1, for several at a time, and returns the first error in their order.
func each(n int, do func(i int) error) error {
	errs := make([]error, n)
	var running sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range n {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(i)
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
