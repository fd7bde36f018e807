package kvtest

import (
	"bytes"
	"slices"
	"sync"

	"github.com/seed1a8f7c28/session/kv"
)

// A Memory is a [kv.DB] without a file.
type Memory struct {
	// OnWrite is called before each Write, if it is not nil. Its error is that of the Write, which then changes nothing.
	OnWrite func(changes []kv.Change) error

	mu   sync.Mutex
	all  []pair // in the order of their keys; never changed, but replaced
	open bool
}

type pair struct{ key, value []byte }

// Open opens the store, as [kv.Engine.Open] does. It keeps what it had.
func (m *Memory) Open(kv.Settings) (kv.DB, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open {
		return nil, kv.ErrLocked
	}
	m.open = true
	return m, nil
}

// IsOpen reports whether it is open.
func (m *Memory) IsOpen() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open
}

func (m *Memory) now() []pair {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.open {
		panic("the store is not open")
	}
	return m.all
}

// View implements [kv.DB].
func (m *Memory) View(f func(r kv.Reader) error) error { return f(moment(m.now())) }

// Write implements [kv.DB].
func (m *Memory) Write(changes []kv.Change) error {
	if m.OnWrite != nil {
		if err := m.OnWrite(changes); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.open {
		panic("the store is not open")
	}
	all := slices.Clone(m.all)
	for _, c := range changes {
		i, found := find(all, c.Key)
		switch {
		case c.Delete && found:
			all = slices.Delete(all, i, i+1)
		case c.Delete:
		case found:
			all[i].value = bytes.Clone(c.Value)
		default:
			all = slices.Insert(all, i, pair{bytes.Clone(c.Key), bytes.Clone(c.Value)})
		}
	}
	m.all = all
	return nil
}

// Close implements [kv.DB].
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.open {
		panic("the store is not open")
	}
	m.open = false
	return nil
}

func find(all []pair, key []byte) (int, bool) {
	return slices.BinarySearchFunc(all, key, func(p pair, key []byte) int { return bytes.Compare(p.key, key) })
}

type moment []pair

func (m moment) Get(key []byte) ([]byte, error) {
	if i, found := find(m, key); found {
		return m[i].value, nil
	}
	return nil, nil
}

func (m moment) Scan(from, to []byte, each func(key, value []byte) bool) error {
	for i, _ := find(m, from); i < len(m) && bytes.Compare(m[i].key, to) < 0; i++ {
		if !each(m[i].key, m[i].value) {
			break
		}
	}
	return nil
}
