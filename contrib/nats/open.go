package nats

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed1a8f7c28/session/driver"
)

// openTimeout limits the opening if ctx has no deadline.
const openTimeout = 5 * time.Second

// open returns the backend over a connection.
func open(ctx context.Context, nc *nats.Conn, b Bucket, c driver.Config) (*store, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	stream, err := bucket(ctx, js, b)
	if err != nil {
		return nil, err
	}
	s := &store{keys: keysOf(b.Name, c.Namespace)}
	s.client = &client{
		nc: nc, js: js, stream: stream,
		getSubject: "$JS.API.STREAM.MSG.GET." + streamOf(b.Name), barrier: s.keys.barrier(),
	}
	s.seen.Newer = func(is, than state) bool { return is.seq > than.seq }
	return s, s.probe(ctx)
}

func streamOf(bucket string) string { return "KV_" + bucket }

// bucket returns the stream of the bucket. If there is none, it creates one, as the client's CreateKeyValue would, but with
// atomic batches, and with reads by the leader alone.
func bucket(ctx context.Context, js jetstream.JetStream, b Bucket) (jetstream.Stream, error) {
	for try := 0; ; try++ {
		stream, err := js.Stream(ctx, streamOf(b.Name))
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			stream, err = js.CreateStream(ctx, jetstream.StreamConfig{
				Name:               streamOf(b.Name),
				Subjects:           []string{"$KV." + b.Name + ".>"},
				Description:        "HTTP sessions",
				Storage:            b.storage(),
				Replicas:           max(b.Replicas, 1),
				MaxMsgsPerSubject:  1,
				Discard:            jetstream.DiscardNew,
				DenyDelete:         true,
				AllowRollup:        true,
				AllowMsgTTL:        true,
				AllowAtomicPublish: true,
			})
			if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another node has been faster
				continue
			}
		}
		switch {
		case err == nil:
			return stream, suits(stream.CachedInfo().Config, b)
		case !passing(err) || !wait(ctx, try):
			return nil, explain(err, b)
		}
	}
}

// passing reports whether the servers may answer differently in a moment: a cluster that has just started has no leader.
func passing(err error) bool {
	return codeOf(err) == codeNotReady || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		codeOf(err) == codeNoPeers
}

// suits returns an error for a stream that cannot keep sessions.
func suits(c jetstream.StreamConfig, b Bucket) error {
	wrong := ""
	switch {
	case !c.AllowMsgTTL:
		wrong = "does not allow a TTL of single messages"
	case !c.AllowAtomicPublish:
		wrong = "does not allow atomic publishing, which needs NATS 2.12 or later"
	case c.MaxMsgsPerSubject != 1:
		wrong = "keeps more than the last value of a key"
	case c.SubjectDeleteMarkerTTL != 0:
		wrong = "leaves markers of what has expired"
	case c.DiscardNewPerSubject:
		wrong = "refuses a new value of a key"
	case c.MaxAge != 0:
		wrong = "removes all entries at a certain age"
	case c.Discard != jetstream.DiscardNew && (c.MaxBytes > 0 || c.MaxMsgs > 0):
		wrong = "removes old entries when it is full"
	case !slices.Equal(c.Subjects, []string{"$KV." + b.Name + ".>"}):
		wrong = "has other subjects than those of a bucket"
	case b.Replicas > 1 && c.Replicas != b.Replicas:
		wrong = fmt.Sprintf("has %d replicas, and the setting says %d", c.Replicas, b.Replicas)
	default:
		return nil
	}
	return fmt.Errorf("bucket %s: its stream %s", b.Name, wrong)
}

// explain adds a hint to an error of the opening.
func explain(err error, b Bucket) error {
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("the account has no JetStream: %w", err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("no answer of JetStream; it is off, has no leader, or the login has no permission: %w", err)
	}
	return fmt.Errorf("bucket %s: %w", b.Name, err)
}

// probe makes the calls that will be needed, in a way that changes nothing: the writes expect a number that no entry has. The
// server says nothing to a client without the permission.
func (s *store) probe(ctx context.Context) error {
	if !s.nc.HeadersSupported() {
		return errors.New("the server is too old: NATS 2.12 or later is needed")
	}
	if _, err := s.get(ctx, "open", s.barrier); err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	w := write{subject: s.barrier, lasts: time.Now()}.over(place{seq: math.MaxInt64})
	for _, writes := range [][]write{{w}, {w, w}} {
		_, err := again(ctx, s.client, "open", func(ctx context.Context) (_ any, err error) {
			switch _, err := s.send(ctx, newID(), 0, writes); {
			case err == nil:
				return nil, errUnexpected
			case kindOf(err) != changed:
				return nil, err
			}
			return nil, nil
		})
		if err != nil {
			return fmt.Errorf("writing: %w", err)
		}
	}
	return nil
}

// Ping implements [driver.Pinger]. It stores an entry without a meaning, which the server removes after a second.
func (s *store) Ping(ctx context.Context) error {
	_, err := s.store(ctx, "ping", write{subject: s.barrier, lasts: time.Now()})
	return err
}
