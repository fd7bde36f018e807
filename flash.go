package session

import (
	"context"
	"math/rand/v2"
	"slices"
)

// Flash messages are shown once: a handler leaves one and redirects, the page that comes next takes it. They
// are part of the session, so that every node has them, but none of its values: All, Len, Get and Clear know
// nothing of them. There are two kinds, which do not meet: lists (AddFlash, Flashes) as in gorilla/sessions, and
// one message a key (SetFlash, GetFlash) as in go-sessions.
//
// A message is lost neither to a request that adds another one nor to one that takes those that it has seen. Two
// requests that run at the same time may both show it.
const (
	flashList  = reservedPrefix + "flashes"
	flashNamed = reservedPrefix + "flash"
)

// A flash is one message. It is stored as three elements of a list, so that every codec can hold it.
type flash struct {
	id    int64 // tells it from an equal one that is added later; a JSON number holds it
	name  string
	value any
}

// flashesOf reads what is stored. What has another form was not written here, and is no message.
func flashesOf(stored any) []flash {
	list, _ := stored.([]any)
	flashes := make([]flash, 0, len(list)/3+1)
	for ; len(list) >= 3; list = list[3:] {
		id, err := asInteger[int64](list[0], false) // a third-party provider may have lost its type
		name, ok := list[1].(string)
		if err == nil && ok {
			flashes = append(flashes, flash{id, name, list[2]})
		}
	}
	return flashes
}

// storedFlashes is what flashesOf reads: nil, which is no value, for none.
func storedFlashes(flashes []flash) any {
	if len(flashes) == 0 {
		return nil
	}
	list := make([]any, 0, 3*len(flashes))
	for _, f := range flashes {
		list = append(list, f.id, f.name, f.value)
	}
	return list
}

// AddFlash adds a message to a list: the one of key, of which at most one is used, or the one without a name.
// Errors are those of Set; a nil value adds nothing.
func (s *Session) AddFlash(ctx context.Context, value any, key ...string) error {
	if value == nil {
		return nil
	}
	return s.addFlash(ctx, flashList, flash{name: listOf(key), value: value}, nil)
}

// SetFlash sets the message of key, instead of the one that it may have. A nil value removes that. Errors are
// those of Set.
func (s *Session) SetFlash(ctx context.Context, key string, value any) error {
	named := func(f flash) bool { return f.name == key }
	if value == nil {
		_, err := s.takeFlashes(ctx, flashNamed, named)
		return err
	}
	return s.addFlash(ctx, flashNamed, flash{name: key, value: value}, named)
}

func listOf(key []string) string {
	if len(key) == 0 {
		return ""
	}
	return key[0]
}

// addFlash adds f to those under key, instead of those that replaces reports, if it is not nil.
func (s *Session) addFlash(ctx context.Context, key string, f flash, replaces func(flash) bool) error {
	s.mu.Lock()
	defer s.unlock()
	f.id = rand.Int64N(1 << 53)
	var err error
	if f.value, err = s.m.engine.frozen(f.value); err != nil { // what it is now counts, if the update is run again
		return err
	}
	return s.changeLocked(ctx, edit{op: opUpdate, key: key, fn: func(old any) (any, error) {
		flashes := flashesOf(old)
		if replaces != nil {
			flashes = slices.DeleteFunc(flashes, replaces)
		}
		return storedFlashes(append(flashes, f)), nil
	}})
}

// Flashes returns the messages of a list, in the order in which they were added, and removes them: the list of key,
// or the one without a name. With an error they stay. Without messages nothing changes.
func (s *Session) Flashes(ctx context.Context, key ...string) ([]any, error) {
	name := listOf(key)
	flashes, err := s.takeFlashes(ctx, flashList, func(f flash) bool { return f.name == name })
	values := make([]any, 0, len(flashes))
	for _, f := range flashes {
		values = append(values, f.value)
	}
	return values, err
}

// GetFlash returns the message of key and removes it, or returns nil if there is none. With an error it stays.
func (s *Session) GetFlash(ctx context.Context, key string) (any, error) {
	flashes, err := s.takeFlashes(ctx, flashNamed, func(f flash) bool { return f.name == key })
	if err != nil || len(flashes) == 0 {
		return nil, err
	}
	return flashes[len(flashes)-1].value, nil
}

// GetFlashes returns all messages that SetFlash has set, by key, and removes them. With an error they stay.
func (s *Session) GetFlashes(ctx context.Context) (map[string]any, error) {
	flashes, err := s.takeFlashes(ctx, flashNamed, func(flash) bool { return true })
	values := make(map[string]any, len(flashes))
	for _, f := range flashes {
		values[f.name] = f.value
	}
	return values, err
}

// PeekFlash returns the message of key, or nil if there is none, and leaves it.
func (s *Session) PeekFlash(ctx context.Context, key string) any {
	for _, f := range s.seeFlashes(ctx, flashNamed) {
		if f.name == key {
			return f.value
		}
	}
	return nil
}

// HasFlash reports whether there is a message of key, of either kind; without a key, whether there is any.
func (s *Session) HasFlash(ctx context.Context, key ...string) bool {
	for _, list := range [...]string{flashNamed, flashList} {
		for _, f := range s.seeFlashes(ctx, list) {
			if len(key) == 0 || f.name == key[0] {
				return true
			}
		}
	}
	return false
}

// takeFlashes returns the messages under key that are wanted, and removes these: not one that is added meanwhile.
func (s *Session) takeFlashes(ctx context.Context, key string, wanted func(flash) bool) ([]flash, error) {
	s.mu.Lock()
	defer s.unlock()
	flashes, err := s.flashes(ctx, key)
	if err != nil {
		return nil, err
	}
	flashes = slices.DeleteFunc(flashes, func(f flash) bool { return !wanted(f) })
	if len(flashes) == 0 {
		return nil, nil
	}
	taken := make(map[int64]bool, len(flashes))
	for _, f := range flashes {
		taken[f.id] = true
	}
	err = s.changeLocked(ctx, edit{op: opUpdate, key: key, fn: func(old any) (any, error) {
		return storedFlashes(slices.DeleteFunc(flashesOf(old), func(f flash) bool { return taken[f.id] })), nil
	}})
	if err != nil {
		return nil, err
	}
	return flashes, nil
}

// seeFlashes returns the messages under key. What cannot be read is reported.
func (s *Session) seeFlashes(ctx context.Context, key string) []flash {
	s.mu.Lock()
	flashes, err := s.flashes(ctx, key)
	s.mu.Unlock()
	if err != nil {
		s.unread(ctx, err)
	}
	return flashes
}

// flashes returns the messages under key, as this request sees them.
func (s *Session) flashes(ctx context.Context, key string) ([]flash, error) {
	v, ok, err := s.m.engine.get(orBackground(ctx), s, key)
	if err != nil || !ok {
		return nil, err
	}
	return flashesOf(v), nil
}
