package session

import (
	"context"
	"errors"
	"reflect"
	"slices"
)

// A refusal is a value that Set has refused. Applications that know beego's Set, which cannot fail, do not look at its error.
type refusal struct {
	key  any // nil for one that cannot be compared
	kind reflect.Type
	err  error
}

// maxRefusals is how many a request remembers: who makes so many mistakes hears of the others when those are mended.
const maxRefusals = 8

// settle remembers the first value that Set has refused under a key, until Set takes one. The caller holds mu.
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

// tellRefused tells the Logger, once, of the values that Set has refused.
func (s *Session) tellRefused(ctx context.Context) {
	s.mu.Lock()
	refused := s.extra().refused
	if len(refused) > 0 {
		s.extras.refused = nil
	}
	s.mu.Unlock()
	for _, r := range refused {
		s.m.log.ErrorContext(ctx, "session: a value was not stored: Set returned an error", "type", typeName(r.kind), "error", r.err)
	}
}

func typeName(t reflect.Type) string {
	if t == nil {
		return "nil"
	}
	return t.String()
}
