package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/seed1a8f7c28/session/kv"
)

// bucket contains all keys.
var bucket = []byte("session")

// A db is a [kv.DB] on an open file.
type db struct {
	bolt *bbolt.DB
	file *os.File // which bolt has open

	mu      sync.Mutex
	waiting []*write // for the next transaction
	writing bool     // whether somebody makes transactions of waiting
	broken  error    // what all writes return after a panic, because bolt may still hold its locks
}

// A write is a Write under way.
type write struct {
	changes []kv.Change
	done    chan error
}

func open(s kv.Settings) (kv.DB, error) {
	d := new(db)
	err := guard(func() (err error) {
		d.bolt, err = bbolt.Open(s.Path, 0o600, &bbolt.Options{
			Timeout:      1, // 0 would wait for ever; kv itself tries again
			NoSync:       !s.Sync,
			FreelistType: bbolt.FreelistMapType,
			OpenFile: func(path string, flag int, mode os.FileMode) (f *os.File, err error) {
				d.file, err = os.OpenFile(path, flag, mode)
				return d.file, err
			},
		})
		if err != nil {
			return err
		}
		return d.bolt.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucketIfNotExists(bucket)
			return err
		})
	})
	switch {
	case err == nil:
		return d, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, kv.ErrLocked
	}
	if d.file != nil {
		d.file.Close() // also after a panic, or nobody could open it again
	}
	return nil, err
}

// guard calls f. A damaged file makes bbolt panic, or read a page that the operating system does not have. Both become an
// error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &damage{p}
		}
	}()
	return f()
}

// A damage is a panic of bbolt.
type damage struct{ panic any }

// Error returns what bbolt says, without the keys that one of its texts has.
func (d *damage) Error() string {
	text, _, _ := strings.Cut(fmt.Sprint(d.panic), " -> ")
	return "the file is damaged: " + strings.TrimSpace(text)
}

// View implements [kv.DB].
func (d *db) View(f func(r kv.Reader) error) error {
	return guard(func() error {
		return d.bolt.View(func(tx *bbolt.Tx) error { return f(reader{tx.Bucket(bucket)}) })
	})
}

type reader struct{ *bbolt.Bucket }

// Get implements [kv.Reader].
func (r reader) Get(key []byte) ([]byte, error) { return r.Bucket.Get(key), nil }

// Scan implements [kv.Reader].
func (r reader) Scan(from, to []byte, each func(key, value []byte) bool) error {
	c := r.Cursor()
	for key, value := c.Seek(from); key != nil && bytes.Compare(key, to) < 0; key, value = c.Next() {
		if !each(key, value) {
			break
		}
	}
	return nil
}

// Write implements [kv.DB]. What comes while a transaction is under way is the next transaction. bbolt's own Batch would have
// a lone writer wait for others.
func (d *db) Write(changes []kv.Change) error {
	w := &write{changes, make(chan error, 1)}
	d.mu.Lock()
	d.waiting = append(d.waiting, w)
	if !d.writing {
		d.writing = true
		go d.write()
	}
	d.mu.Unlock()
	return <-w.done
}

// write makes transactions of what waits, until nothing does.
func (d *db) write() {
	for {
		d.mu.Lock()
		writes := d.waiting
		d.waiting, d.writing = nil, len(writes) > 0
		d.mu.Unlock()
		if len(writes) == 0 {
			return
		}
		err := d.commit(writes...)
		for _, w := range writes {
			if err != nil && len(writes) > 1 { // perhaps because of one of them
				w.done <- d.commit(w)
			} else {
				w.done <- err
			}
		}
	}
}

func (d *db) commit(writes ...*write) error {
	if d.broken != nil {
		return d.broken
	}
	err := guard(func() error {
		return d.bolt.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucket)
			for _, w := range writes {
				for _, c := range w.changes {
					if err := apply(b, c); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
	if _, ok := errors.AsType[*damage](err); ok {
		d.broken = err
	}
	return err
}

func apply(b *bbolt.Bucket, c kv.Change) error {
	if c.Delete {
		return b.Delete(c.Key)
	}
	return b.Put(c.Key, c.Value)
}

// Close implements [kv.DB].
func (d *db) Close() error {
	if d.broken != nil {
		return d.file.Close() // bolt's own Close may wait for ever
	}
	var err error
	if d.bolt.NoSync {
		err = d.bolt.Sync()
	}
	return errors.Join(err, d.bolt.Close())
}
