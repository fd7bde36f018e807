package pebble

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/seed1a8f7c28/session/kv"
)

// A db is a [kv.DB] on an open folder.
type db struct {
	*pebble.DB
	log  *logger
	sync *pebble.WriteOptions
}

func open(s kv.Settings) (_ kv.DB, err error) {
	d := &db{log: new(logger), sync: &pebble.WriteOptions{Sync: s.Sync}}
	o := &pebble.Options{Logger: d.log, EventListener: &pebble.EventListener{
		DataCorruption: func(pebble.DataCorruptionInfo) {}, // the call that has found it returns an error; by default it is fatal
	}}
	o.Levels[0].FilterPolicy = bloom.FilterPolicy(10)
	err = d.log.guard(func() error {
		d.DB, err = pebble.Open(s.Path, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// A logger learns of what makes Pebble end the process, which a library must not do. After that nothing is certain, so all
// further calls fail.
type logger struct{ fatal atomic.Pointer[error] }

// Infof discards what it gets.
func (*logger) Infof(string, ...any) {}

// Errorf discards what it gets: the calls return the same errors.
func (*logger) Errorf(string, ...any) {}

// Fatalf keeps the first error.
func (l *logger) Fatalf(format string, args ...any) {
	text, _, _ := strings.Cut(fmt.Sprintf(format, args...), "\n") // without the stack
	err := fmt.Errorf("the store has failed, and must be opened again: %s", text)
	l.fatal.CompareAndSwap(nil, &err)
}

// guard calls f, unless the store has failed. A panic of Pebble is an error.
func (l *logger) guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			l.Fatalf("%v", p)
		}
		if fatal := l.fatal.Load(); fatal != nil {
			err = *fatal
		}
	}()
	if l.fatal.Load() != nil {
		return nil
	}
	return f()
}

// View implements [kv.DB].
func (d *db) View(f func(r kv.Reader) error) error {
	return d.log.guard(func() error {
		s := d.NewSnapshot()
		return errors.Join(f(reader{s}), s.Close())
	})
}

type reader struct{ *pebble.Snapshot }

// Get implements [kv.Reader].
func (r reader) Get(key []byte) ([]byte, error) {
	value, closer, err := r.Snapshot.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	value = append([]byte(nil), value...)
	return value, closer.Close()
}

// Scan implements [kv.Reader].
func (r reader) Scan(from, to []byte, each func(key, value []byte) bool) error {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if !each(it.Key(), value) {
			break
		}
	}
	return it.Close()
}

// Write implements [kv.DB]. Pebble itself has those who write at the same time share what makes their changes durable.
func (d *db) Write(changes []kv.Change) error {
	return d.log.guard(func() error {
		b := d.NewBatch()
		for _, c := range changes {
			var err error
			if c.Delete {
				err = b.Delete(c.Key, nil)
			} else {
				err = b.Set(c.Key, c.Value, nil)
			}
			if err != nil {
				return errors.Join(err, b.Close())
			}
		}
		return errors.Join(b.Commit(d.sync), b.Close())
	})
}

// Close implements [kv.DB].
func (d *db) Close() error {
	return d.log.guard(d.DB.Close)
}
