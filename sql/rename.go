package sql

import (
	"context"
	"errors"

	"github.com/seed1a8f7c28/session/driver"
)

// Rename implements [driver.Renamer]. It uses one statement, which replaces the old row by the new one or changes the old
// row into it. If that statement cannot leave the mark, a second one does.
func (s *store) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	if err := checkSize(rec); err != nil {
		return err
	}
	p := &params{id: s.id(oldKey), to: s.id(newKey), version: oldVersion, rec: rec, mark: mark}
	rename, inOne := s.rename, s.dialect.Statements.RenameMark != ""
	if mark.Kind != 0 && inOne {
		rename = s.renameMark
	}
	err := s.change(ctx, rename, p)
	if err != nil && s.dialect.Duplicate(err) {
		if err = s.renameOver(ctx, rename, p); err != nil && s.dialect.Duplicate(err) { // the key was taken again in between
			err = driver.ErrExists // a database's own error may show the key
		}
	}
	if errors.Is(err, driver.ErrNotFound) && p.sent > 1 {
		if stored, _ := s.isStored(ctx, p.to, s.first(rec), rec); stored {
			err = nil
		} else { // others may have ended the record, under either key
			err = errUnclear
		}
	}
	if err != nil {
		return s.fail(ctx, "rename", err)
	}
	rec.Version = s.first(rec)
	if mark.Kind != 0 && !inOne {
		s.leave(ctx, p.id, mark)
	}
	return nil
}

// renameOver handles a new key that already has a row: a reservation, or an expired record.
func (s *store) renameOver(ctx context.Context, rename *statement, p *params) error {
	before := p.sent
	err := s.do(ctx, func() error {
		return s.within(ctx, []*statement{s.vacate, rename}, func(tx Tx) error {
			n, err := s.exec(ctx, tx, s.vacate, p)
			if err == nil && n == 0 {
				err = driver.ErrExists
			}
			if err != nil {
				return err
			}
			done := false
			if s.dialect.Returning { // otherwise the existing record would count as a row
				done, _, err = s.changeOrFind(ctx, tx, rename, p)
			} else {
				n, err = s.exec(ctx, tx, rename, p)
				done = n > 0
			}
			if err == nil && !done {
				err = errChanged
			}
			return err
		})
	})
	if errors.Is(err, errChanged) {
		p.sent = before // the transaction was rolled back
		return s.change(ctx, rename, p)
	}
	return err
}

// errChanged rolls back a transaction about a record whose version has changed.
var errChanged = errors.New("changed meanwhile")
