package kv

import (
	"context"
	"slices"
	"sync"
)

// locks are the locks of one store, by name. A name costs nothing while nobody holds or awaits its lock, so each session has
// its own: writers of different sessions never wait for each other here, and meet in [DB.Write], which can make their
// changes durable together.
type locks struct {
	mu     sync.Mutex
	byName map[string]*lock
}

type lock struct {
	turn  chan struct{} // full while somebody holds it; a channel, because a mutex knows no context
	users int           // who holds it and who waits for it
}

// lock locks all names, or none if ctx ends first. Everybody takes them in the same order, so nobody waits in a circle.
func (l *locks) lock(ctx context.Context, names ...string) (unlock func(), err error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for i, name := range names {
		select {
		case l.enter(name).turn <- struct{}{}:
		case <-ctx.Done():
			l.leave(name)
			l.unlock(names[:i])
			return nil, ctx.Err()
		}
	}
	return func() { l.unlock(names) }, nil
}

func (l *locks) unlock(names []string) {
	for _, name := range names {
		<-l.leave(name).turn
	}
}

func (l *locks) enter(name string) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byName == nil {
		l.byName = make(map[string]*lock)
	}
	one := l.byName[name]
	if one == nil {
		one = &lock{turn: make(chan struct{}, 1)}
		l.byName[name] = one
	}
	one.users++
	return one
}

func (l *locks) leave(name string) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.byName[name]
	if one.users--; one.users == 0 {
		delete(l.byName, name)
	}
	return one
}
