package bolt

import "github.com/seed1a8f7c28/session/kv"

// OpenDB opens a file without package kv.
var OpenDB = open

// Hold keeps the provider from writing until release is called.
func Hold(d kv.DB) (release func() error, err error) {
	tx, err := d.(*db).bolt.Begin(true)
	if err != nil {
		return nil, err
	}
	return tx.Rollback, nil
}

// Waiting returns how many writes wait for the next transaction.
func Waiting(d kv.DB) int {
	b := d.(*db)
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// Writing reports whether the writer has taken what waited.
func Writing(d kv.DB) bool {
	b := d.(*db)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writing && len(b.waiting) == 0
}

// Transactions returns how many transactions that write there were, failed ones not counted.
func Transactions(d kv.DB) (n int, err error) {
	tx, err := d.(*db).bolt.Begin(false)
	if err != nil {
		return 0, err
	}
	return tx.ID(), tx.Rollback()
}
