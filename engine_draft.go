package session

import (
	"context"
	"fmt"
	"math"

	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// drafted is the common part of the engines whose sessions are drafts: a view and a log of changes.
type drafted struct{ m *Manager }

// get looks in the log, then in what was loaded.
func (e drafted) get(_ context.Context, s *Session, key any) (v any, ok bool, err error) {
	if text, ok := key.(string); ok && !s.draft.IsChanged() && s.draft.Codec() == e.m.codec {
		return codec.GetText(e.m.codec, s.draft.Values(), text)
	}
	mem := scratch.Get().(*[]byte)
	defer scratch.Put(mem)
	k, err := e.m.codec.AppendKey((*mem)[:0], key)
	if err != nil {
		return nil, false, err
	}
	*mem = k
	changes := s.draft.Changes()
	if c := changes.Find(k); c != nil {
		if c.Value == nil {
			return nil, false, nil
		}
		v, err = e.m.codec.Value(string(c.Value))
		return v, err == nil, err
	}
	if changes.Flush {
		return nil, false, nil
	}
	return s.draft.Codec().Get(s.draft.Values(), k)
}

func (e drafted) all(s *Session) (codec.Codec, string, error) { return s.draft.Seen(e.m.codec) }

func (e drafted) frozen(value any) (any, error) {
	enc, err := e.m.codec.AppendValue(nil, value)
	if err != nil {
		return nil, err
	}
	return e.m.codec.Value(string(enc))
}

// changesNothing reports whether an edit changes nothing because there is nothing to remove. It sets the value that Pop
// returns.
func (e drafted) changesNothing(ctx context.Context, s *Session, ed edit) (bool, error) {
	switch ed.op {
	case opPop:
		v, ok, err := e.get(ctx, s, ed.key)
		*ed.popped = v
		return !ok, err
	case opWipe:
		keys, err := e.keys(s, 1)
		return len(keys) == 0, err
	}
	return false, nil
}

// keys returns the application's keys as s sees them, but not more than most.
func (e drafted) keys(s *Session, most int) (keys []any, err error) {
	c, values, err := e.all(s)
	if err != nil {
		return nil, err
	}
	err = c.Visit(values, func(key, _ any) bool {
		if !isReserved(key) {
			keys = append(keys, key)
		}
		return len(keys) < most
	})
	return keys, err
}

// apply makes an edit in the log.
func (e drafted) apply(ctx context.Context, s *Session, ed edit) error {
	switch ed.op {
	case opSet:
		return e.put(s, ed.key, ed.value)
	case opRemove:
		return e.drop(s, ed.key)
	case opUpdate:
		return e.update(ctx, s, ed.key, ed.fn)
	case opSetAll:
		return e.putAll(s, ed.values)
	case opPop: // a sealed session has caught up with the request since change has looked
		if nothing, err := e.changesNothing(ctx, s, ed); nothing || err != nil {
			return err
		}
		return e.drop(s, ed.key)
	case opWipe:
		keys, err := e.keys(s, math.MaxInt)
		for _, key := range keys {
			if err == nil {
				err = e.drop(s, key)
			}
		}
		return err
	case opFlush:
		s.draft.Log.Clear()
	case opMeta:
		switch v := ed.value.(type) {
		case string:
			s.draft.Log.SetText(ed.field, v)
		case int64:
			s.draft.Log.SetInt(ed.field, v)
		}
	}
	return nil
}

func (e drafted) put(s *Session, key, value any) error {
	k, v, err := e.encode(s.draft.Log, key, value)
	if err == nil {
		s.draft.Log.Put(k, v)
	}
	return err
}

func (e drafted) putAll(s *Session, values map[any]any) error {
	changes := make([]codec.Change, 0, len(values))
	for key, value := range values {
		k, v, err := e.encode(s.draft.Log, key, value)
		if err != nil {
			return err
		}
		changes = append(changes, codec.Change{Key: k, Value: v})
	}
	for _, c := range changes {
		s.draft.Log.Put(c.Key, c.Value)
	}
	return nil
}

func (e drafted) drop(s *Session, key any) error {
	k, err := s.draft.Log.Key(e.m.codec, key)
	if err == nil {
		s.draft.Log.Put(k, nil)
	}
	return err
}

func (e drafted) update(ctx context.Context, s *Session, key any, fn func(any) (any, error)) error {
	old, _, err := e.get(ctx, s, key)
	if err != nil {
		return err
	}
	value, err := fn(old)
	if err != nil {
		return err
	}
	k, v, err := e.encode(s.draft.Log, key, value)
	if err != nil {
		return err
	}
	if value == nil {
		v = nil
	}
	s.draft.Log.Update(k, v, fn)
	return nil
}

// encode encodes an entry into the log's memory.
func (e drafted) encode(log *merge.Log, key, value any) (k, v []byte, err error) {
	if k, err = log.Key(e.m.codec, key); err != nil {
		return nil, nil, err
	}
	v, err = log.Value(e.m.codec, value)
	if err == nil && len(v) > e.m.cfg.maxBytes {
		err = fmt.Errorf("%w: one value has %d bytes, %d allowed (maxBytes)", ErrTooLarge, len(v), e.m.cfg.maxBytes)
	}
	return k, v, err
}
