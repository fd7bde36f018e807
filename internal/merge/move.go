package merge

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/seed1a8f7c28/session/driver"
)

// move stores rec under the new key, and ends the old one at the version base that was copied.
func (e *edit) move(ctx context.Context, base uint64, rec *driver.Record) error {
	b := e.Backend
	if r, ok := driver.As[driver.Renamer](b); ok {
		return e.renamed(ctx, r.Rename(ctx, e.d.Key, base, e.to, rec), rec)
	}
	rec.Version = e.copied
	if e.copied != 0 {
		err := b.Save(ctx, e.to, rec)
		switch {
		case err == nil:
			e.copied = rec.Version
		case !errors.Is(err, driver.ErrNotFound):
			return err
		case rec.User != "":
			e.copied = 0
			return e.ended(ctx, err)
		default: // the store has evicted it
			e.copied = 0
		}
	}
	if e.copied == 0 {
		if err := b.Create(ctx, e.to, rec); err != nil {
			return err
		}
		e.copied = rec.Version
	}
	return b.Delete(ctx, e.d.Key, base)
}

// ended ends the session under its old key too. Who looks for the sessions of a user, as a limit does, has found the copy and
// ended it.
func (e *edit) ended(ctx context.Context, err error) error {
	if failed := e.Backend.Delete(ctx, e.d.Key, 0); failed != nil {
		return failed
	}
	return err
}

// renamed returns nil for the error of a rename that was made although its answer was lost: what was sent is under the new key.
// It may be another's session that is there, if sids are an application's own.
func (e *edit) renamed(ctx context.Context, err error, rec *driver.Record) error {
	if err == nil || isClear(err) || errors.Is(err, driver.ErrExists) {
		return err
	}
	var found driver.Record
	if e.Backend.Load(ctx, e.to, &found) != nil || !bytes.Equal(found.Data, rec.Data) {
		return err
	}
	*rec = found
	return nil
}

// undo removes the copy, when it is known that the old record was not ended by this move. After an error that leaves this
// open both stay: the copy expires unused, but the session may have no other record.
func (e *edit) undo(ctx context.Context, err error) error {
	if e.copied == 0 {
		return err
	}
	if undone := e.Backend.Delete(ctx, e.to, 0); undone != nil && err == nil {
		err = fmt.Errorf("session: regenerate: %w", undone)
	}
	return err
}
