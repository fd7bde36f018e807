package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// labelKey is where a session has its label, a string.
const labelKey = reservedPrefix + "label"

var labelKeyEnc, _ = codec.AppendKey(nil, labelKey)

// maxLabel is how many bytes a label may have. A browser's User-Agent is about half as long.
const maxLabel = 255

// SetLabel says what a user will know this session by in a list of all of them: "Firefox on Linux, Leeds". It
// is stored with the next save, as a value is, and stays over Regenerate and a Login of the same user; "" removes it, and
// so does Flush. More than 255 bytes are [ErrTooLarge]. Other errors are those of Set; a third-party provider has no
// place for it: [errors.ErrUnsupported].
func (s *Session) SetLabel(ctx context.Context, label string) error {
	switch {
	case s.m.raw != nil:
		return unsupported("a third-party provider keeps no labels")
	case len(label) > maxLabel:
		return fmt.Errorf("session: label: %w: %d bytes, %d allowed", ErrTooLarge, len(label), maxLabel)
	}
	s.mu.Lock()
	defer s.unlock()
	return s.change(ctx, func(log *merge.Log) error {
		if label == "" {
			return s.drop(log, labelKey)
		}
		k, v, err := s.encode(log, labelKey, label)
		if err == nil {
			log.Put(k, v)
		}
		return err
	})
}

// Label returns what SetLabel has set, or "".
func (s *Session) Label(ctx context.Context) string {
	if s.m.raw != nil {
		return ""
	}
	s.mu.Lock()
	v, _, err := s.get(labelKey)
	s.mu.Unlock()
	if err != nil {
		s.unread(ctx, err)
	}
	label, _ := v.(string)
	return label
}

// details returns what a listed record says of its session together with its values, which a list does not have.
// It is [ErrNotFound] for one that has ended meanwhile.
func (m *Manager) details(ctx context.Context, e *driver.Entry) (Info, error) {
	ctx, cancel := m.loadContext(ctx)
	defer cancel()
	if err := m.backend.Load(ctx, e.Key, &e.Record); err != nil {
		return Info{}, err
	}
	c, values, err := m.envelope.Open(e.Key, e.Data)
	switch {
	case errors.Is(err, ErrCorrupt): // it is there, and can be ended
		return m.info(e, m.cfg.idle), nil
	case err != nil:
		return Info{}, err
	case !e.Live(time.Now()):
		return Info{}, ErrNotFound
	}
	info := m.info(e, m.envelope.Lifetimes.In(c, values).Idle)
	if v, ok, err := c.Get(values, labelKeyEnc); ok && err == nil {
		info.Label, _ = v.(string)
	}
	return info, nil
}
