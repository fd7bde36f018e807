// Package listing lists records through an index that is read first.
package listing

import (
	"context"
	"iter"

	"github.com/seed1a8f7c28/session/driver"
)

// Whole yields the result of read, and leaves out no record that is renamed during the call. read reads an index and then
// the records, and calls gone with each key of the index that has no record. Such a record may have got another key in
// between, so Whole repeats the read until no such key is new. Then all yielded records existed at the same time. If ctx is
// done, Whole ends with its error.
func Whole(
	ctx context.Context, read func(gone func(key string)) ([]driver.Entry, error),
) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		missed := make(map[string]bool)
		for known := -1; known < len(missed); {
			known = len(missed)
			found, err := read(func(key string) { missed[key] = true })
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(driver.Entry{}, err)
				return
			}
			if known < len(missed) {
				continue
			}
			for _, entry := range found {
				if err := ctx.Err(); err != nil {
					yield(driver.Entry{}, err)
					return
				}
				if !yield(entry, nil) {
					return
				}
			}
		}
	}
}
