// Package listing lists records by an index that is read before them.
package listing

import (
	"context"
	"iter"

	"github.com/seed1a8f7c28/session/driver"
)

// Whole yields what read returns, and leaves out no record that is renamed meanwhile. read reads an index and then the
// records, and calls gone with each key of the index that has none: it may have got another key in between, so that
// Whole reads anew until no such key is new. Then what it yields was there at one time. A ctx that is done ends it with
// an error.
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
