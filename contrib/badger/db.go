package badger

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/dgraph-io/badger/v4"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/kv"
)

// memTable is how much badger has in memory before it writes a table. Twice as much is in a file before, and it can have
// three of them.
const memTable = 16 << 20

// A db is a [kv.DB] on an open folder.
type db struct{ *badger.DB }

func open(s kv.Settings) (_ kv.DB, err error) {
	defer func() {
		if p := recover(); p != nil { // some damage makes badger panic
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	o := badger.DefaultOptions(s.Path).WithLogger(nil).WithSyncWrites(s.Sync).WithMetricsEnabled(false)
	o = o.WithDetectConflicts(false) // kv has the locks
	o = o.WithMemTableSize(memTable).WithNumMemtables(2).WithNumCompactors(2)
	o = o.WithValueLogFileSize(4 * memTable).WithBlockCacheSize(memTable).WithVerifyValueChecksum(true)
	if err := notLocked(s.Path); err != nil {
		return nil, err
	}
	if err := checkTables(o); err != nil {
		return nil, err
	}
	opened, err := badger.Open(o)
	if err != nil && strings.Contains(err.Error(), "Another process is using") {
		return nil, kv.ErrLocked
	}
	if err != nil {
		return nil, err
	}
	return db{opened}, nil
}

// View implements [kv.DB].
func (d db) View(f func(r kv.Reader) error) error {
	return d.DB.View(func(txn *badger.Txn) error { return f(reader{txn}) })
}

type reader struct{ txn *badger.Txn }

// Get implements [kv.Reader].
func (r reader) Get(key []byte) ([]byte, error) {
	item, err := r.txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return item.ValueCopy(nil)
}

// Scan implements [kv.Reader].
func (r reader) Scan(from, to []byte, each func(key, value []byte) bool) (err error) {
	o := badger.DefaultIteratorOptions
	for o.Prefix = from; !bytes.HasPrefix(to, o.Prefix); { // what all keys have in common leaves out most tables
		o.Prefix = o.Prefix[:len(o.Prefix)-1]
	}
	it := r.txn.NewIterator(o)
	defer it.Close()
	more := true
	for it.Seek(from); more && it.Valid() && bytes.Compare(it.Item().Key(), to) < 0; it.Next() {
		if err := it.Item().Value(func(value []byte) error {
			more = each(it.Item().Key(), value)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// Write implements [kv.DB]. badger itself has those who write at the same time share what makes their changes durable.
func (d db) Write(changes []kv.Change) error {
	txn := d.NewTransaction(true)
	defer txn.Discard()
	for _, c := range changes {
		var err error
		if c.Delete {
			err = txn.Delete(c.Key)
		} else {
			err = txn.Set(c.Key, c.Value)
		}
		if errors.Is(err, badger.ErrTxnTooBig) {
			return fmt.Errorf("%w: %w", driver.ErrTooLarge, err)
		}
		if err != nil {
			return err
		}
	}
	return txn.Commit()
}

// Collect implements [kv.Collector]. Large sessions are in a log of their own, in which badger frees nothing by itself.
func (d db) Collect() error {
	for {
		err := d.RunValueLogGC(0.5)
		if errors.Is(err, badger.ErrNoRewrite) || errors.Is(err, badger.ErrRejected) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
