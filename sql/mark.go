package sql

import (
	"bytes"
	"context"
	"errors"

	"github.com/seed1a8f7c28/session/driver"
)

// A mark is a row at version -1, which stands for [driver.MarkVersion], without a user or an alias. Statements about live
// records ask for versions above 0.

// Mark implements [driver.Marker]. It uses one statement, which turns the record's row into the mark's.
func (s *store) Mark(ctx context.Context, key string, version uint64, mark driver.Mark) error {
	p := &params{id: s.id(key), version: version, rec: mark.Record()}
	var err error
	if version == 0 {
		p.version = driver.MarkVersion
		err = s.do(ctx, func() error { return s.put(ctx, nil, p) })
	} else {
		err = s.change(ctx, s.mark, p)
	}
	if p.sent > 1 && (errors.Is(err, driver.ErrExists) || errors.Is(err, driver.ErrNotFound)) {
		switch {
		case s.isMarked(ctx, p.id, mark):
			err = nil
		case version != 0: // others have ended the record, or this call's mark has already been swept
			err = errUnclear
		}
	}
	return s.fail(ctx, "mark", err)
}

func (s *store) isMarked(ctx context.Context, id []byte, mark driver.Mark) bool {
	err := s.read(ctx, func() error { return s.stands(ctx, nil, id, new(driver.Record)) })
	marked, ok := errors.AsType[*driver.MarkedError](err)
	return ok && marked.Mark.Kind == mark.Kind && bytes.Equal(marked.Mark.Target, mark.Target) &&
		marked.Mark.Expires.UnixMilli() == mark.Expires.UnixMilli()
}

// leave tries to put a mark in place of a renamed record. The record already has its new key, so an error or a crash does
// not make the rename fail. Without the mark, a late request finds nothing, as after a mark has expired.
func (s *store) leave(ctx context.Context, id []byte, mark driver.Mark) {
	p := &params{id: id, version: driver.MarkVersion, rec: mark.Record()}
	s.do(ctx, func() error { return s.put(ctx, nil, p) })
}
