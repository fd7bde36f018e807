package leveldb

import (
	"errors"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/storage"
	"github.com/syndtr/goleveldb/leveldb/util"

	"github.com/seed1a8f7c28/session/kv"
)

// A db is a [kv.DB] on an open folder.
type db struct {
	*leveldb.DB
	files storage.Storage
	write *opt.WriteOptions
}

func open(s kv.Settings) (kv.DB, error) {
	files, err := storage.OpenFile(s.Path, false)
	if err == nil {
		var opened *leveldb.DB
		opened, err = leveldb.Open(files, &opt.Options{
			Filter: filter.NewBloomFilter(10),
			// A manifest that is damaged is an error, not a store with fewer sessions. The end of a journal may be torn: a kill
			// leaves it so, and nothing in it was acknowledged.
			Strict: opt.DefaultStrict | opt.StrictManifest,
		})
		if err == nil {
			return &db{opened, files, &opt.WriteOptions{Sync: s.Sync}}, nil
		}
		err = errors.Join(err, files.Close())
	}
	return nil, err
}

// View implements [kv.DB].
func (d *db) View(f func(r kv.Reader) error) error {
	s, err := d.GetSnapshot()
	if err != nil {
		return err
	}
	defer s.Release()
	return f(reader{s})
}

type reader struct{ *leveldb.Snapshot }

// Get implements [kv.Reader].
func (r reader) Get(key []byte) ([]byte, error) {
	value, err := r.Snapshot.Get(key, nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return nil, nil
	}
	return value, err
}

// Scan implements [kv.Reader].
func (r reader) Scan(from, to []byte, each func(key, value []byte) bool) error {
	it := r.NewIterator(&util.Range{Start: from, Limit: to}, nil)
	defer it.Release()
	for it.Next() && each(it.Key(), it.Value()) {
	}
	return it.Error()
}

// Write implements [kv.DB]. goleveldb itself has those who write at the same time share what makes their changes durable.
func (d *db) Write(changes []kv.Change) error {
	b := new(leveldb.Batch)
	for _, c := range changes {
		if c.Delete {
			b.Delete(c.Key)
		} else {
			b.Put(c.Key, c.Value)
		}
	}
	return d.DB.Write(b, d.write)
}

// Close implements [kv.DB].
func (d *db) Close() error { return errors.Join(d.DB.Close(), d.files.Close()) }
