package session

import (
	"context"
	"math/rand/v2"
	"slices"
)

// Flash messages are shown once: a handler adds one and redirects, and the next page takes it. They are stored with the
// session, so that every node has them, but they are not among its values: All, Len, Get and Clear ignore them. There are
// two separate kinds: lists (AddFlash, Flashes) as in gorilla/sessions, and one message for each key (SetFlash, GetFlash)
// as in go-sessions.
//
// No message is lost if another request adds one or takes those that it has seen. Two requests that run at the same time
// may both show the same message.
const (
	flashList  = reservedPrefix + "flashes"
	flashNamed = reservedPrefix + "flash"
)

// A flash is one message. It is stored as three elements of a list, a form that every codec can hold.
type flash struct {
	id    int64 // tells it from an equal one that is added later; a JSON number holds it
	name  string
	value any
}

// flashesOf reads the stored form. Anything in another form was not written by this package and is ignored.
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

// storedFlashes returns the form that flashesOf reads. For no flashes it returns nil, which is no value.
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

// AddFlash adds a message to the list of key, or without a key to the list that has no name. Only the first key is used. A
// nil value adds nothing. Errors are those of Set.
func (s *Session) AddFlash(ctx context.Context, value any, key ...string) error {
	if value == nil {
		return nil
	}
	return s.addFlash(ctx, flashList, flash{name: listOf(key), value: value}, nil)
}

// SetFlash sets the message of key and replaces the one it had. A nil value removes the message. Errors are those of Set.
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

// addFlash adds f to the messages under key. If replaces is not nil, f takes the place of those for which it returns true.
func (s *Session) addFlash(ctx context.Context, key string, f flash, replaces func(flash) bool) error {
	s.mu.Lock()
	defer s.unlock()
	f.id = rand.Int64N(1 << 53)
	var err error
	if f.value, err = s.m.engine.frozen(f.value); err != nil { // the update may run again, and must store the value as it is now
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

// Flashes returns the messages in the list of key, or without a key in the list that has no name, in the order in which
// they were added, and removes them. If there are none, it changes nothing. After an error the messages stay.
func (s *Session) Flashes(ctx context.Context, key ...string) ([]any, error) {
	name := listOf(key)
	flashes, err := s.takeFlashes(ctx, flashList, func(f flash) bool { return f.name == name })
	values := make([]any, 0, len(flashes))
	for _, f := range flashes {
		values = append(values, f.value)
	}
	return values, err
}

// GetFlash returns the message of key and removes it. It returns nil if there is none. After an error the message stays.
func (s *Session) GetFlash(ctx context.Context, key string) (any, error) {
	flashes, err := s.takeFlashes(ctx, flashNamed, func(f flash) bool { return f.name == key })
	if err != nil || len(flashes) == 0 {
		return nil, err
	}
	return flashes[len(flashes)-1].value, nil
}

// GetFlashes returns all messages that SetFlash has set, by key, and removes them. After an error they stay.
func (s *Session) GetFlashes(ctx context.Context) (map[string]any, error) {
	flashes, err := s.takeFlashes(ctx, flashNamed, func(flash) bool { return true })
	values := make(map[string]any, len(flashes))
	for _, f := range flashes {
		values[f.name] = f.value
	}
	return values, err
}

// PeekFlash returns the message of key without removing it, or nil if there is none. If the messages cannot be read, the
// error goes to ErrorHandler and Logger.
func (s *Session) PeekFlash(ctx context.Context, key string) any {
	for _, f := range s.seeFlashes(ctx, flashNamed) {
		if f.name == key {
			return f.value
		}
	}
	return nil
}

// HasFlash reports whether there is a message of key, of either kind, or without a key whether there is any message. Errors
// are handled as in PeekFlash.
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

// takeFlashes returns the messages under key for which wanted returns true, and removes them. A message that is added in
// the meantime stays.
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

// seeFlashes returns the messages under key. It reports an error if they cannot be read.
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
