package session

import (
	"context"
	"errors"
	"reflect"
	"slices"
)

// A refusal is a value that Set has refused. Applications that were written for beego's Set, which cannot fail, ignore its
// error.
type refusal struct {
	key  any // nil for one that cannot be compared
	kind reflect.Type
	err  error
}

// maxRefusals is how many refusals a request remembers. If there are more, they show once the first ones are corrected.
const maxRefusals = 8

// settle remembers that Set has refused a value under a key, until a Set of that key succeeds. The caller holds mu.
func (s *Session) settle(key, value any, err error) {
	refused := errors.Is(err, ErrUnencodable) || errors.Is(err, ErrTooLarge)
	if !refused && len(s.extra().refused) == 0 {
		return
	}
	if key != nil && !reflect.ValueOf(key).Comparable() {
		key = nil
	}
	a := s.addExtra()
	at := slices.IndexFunc(a.refused, func(r refusal) bool { return r.key == key })
	switch {
	case err == nil && at >= 0:
		a.refused = slices.Delete(a.refused, at, at+1)
	case refused && at < 0 && len(a.refused) < maxRefusals:
		a.refused = append(a.refused, refusal{key, reflect.TypeOf(value), err})
	}
}

// takeRefused returns the values that Set has refused, each once. The caller holds mu.
func (s *Session) takeRefused() (refused []refusal) {
	if s.extras != nil {
		refused, s.extras.refused = s.extras.refused, nil
	}
	return refused
}

// tellRefused logs values that Set has refused.
func (m *Manager) tellRefused(ctx context.Context, refused []refusal) {
	for _, r := range refused {
		m.log.ErrorContext(ctx, "session: a value was not stored: Set returned an error", "type", typeName(r.kind), "error", r.err)
	}
}

func typeName(t reflect.Type) string {
	if t == nil {
		return "nil"
	}
	return t.String()
}
