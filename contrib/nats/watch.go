package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed1a8f7c28/session"
)

// heartbeat is how often the server tells a watch that it has nothing to tell.
const heartbeat = 2 * time.Second

// Watch implements [driver.Watcher]. Whoever removes a session also stores an entry that says so, in the same step. Only
// such entries come here, not every save.
func (s *store) Watch(ctx context.Context, resync func(), destroyed func(key string)) error {
	consumer, err := s.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubjects:    []string{s.keys.removal("*"), s.keys.cleared()},
		DeliverPolicy:     jetstream.DeliverNewPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: 30 * time.Second,
	})
	if err != nil {
		return fail(ctx, "watch", err)
	}
	defer s.forget(consumer)
	messages, err := consumer.Messages(jetstream.PullHeartbeat(heartbeat), jetstream.PullExpiry(4*heartbeat))
	if err != nil {
		return fail(ctx, "watch", err)
	}
	defer messages.Stop()
	resync()
	for last := uint64(0); ; {
		m, err := next(ctx, messages)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("session/nats: watch: %w", ctx.Err())
		case errors.Is(err, context.DeadlineExceeded):
			info, err := consumer.Info(ctx)
			if err != nil {
				return fail(ctx, "watch", err)
			}
			if is := info.Delivered.Consumer; is != last { // some were lost on the way, or are about to come
				last = is
				resync()
			}
			continue
		case err != nil: // also that no heartbeat came
			return fail(ctx, "watch", err)
		}
		at, err := m.Metadata()
		if err != nil {
			return fail(ctx, "watch", err)
		}
		lost := at.Sequence.Consumer > last+1
		last = max(last, at.Sequence.Consumer)
		if lost || m.Subject() == s.keys.cleared() {
			resync()
		}
		if m.Subject() != s.keys.cleared() {
			destroyed(s.keys.key(m.Subject()))
		}
	}
}

// next returns the next message. It returns [context.DeadlineExceeded] if none comes for a while.
func next(ctx context.Context, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, session.PollInterval)
	defer cancel()
	return messages.Next(jetstream.NextContext(ctx))
}

// forget removes a consumer. Otherwise the server does so after its InactiveThreshold.
func (s *store) forget(consumer jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = s.stream.DeleteConsumer(ctx, consumer.CachedInfo().Name)
}
