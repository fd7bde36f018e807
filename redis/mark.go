package redis

import (
	"context"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// Mark implements [driver.Marker]. A mark has the name of the session that it replaces, but another type: it is a sorted
// set that contains kind and target in pieces, and its scores are the expiry. So no command mistakes it for a record, and
// only a lookup of a missing record costs an extra command for it.
func (s *store) Mark(ctx context.Context, key string, at uint64, mark driver.Mark) error {
	switch {
	case valid(key):
		return s.remove(ctx, key, at, &mark)
	case at == 0:
		return errKey
	}
	return driver.ErrNotFound
}

// loadMark returns the mark that was just seen under a name, as an error.
func (s *store) loadMark(ctx context.Context, name string) error {
	c := recordCall("zrange", name, 0, -1, "withscores")
	if err := s.send(ctx, "load", c); err != nil {
		return err
	}
	if c.cmd.Err() != nil { // a record has taken its place
		return driver.ErrNotFound
	}
	list, err := scored(c.cmd.Val())
	switch {
	case err != nil:
		return err
	case len(list) < 2: // it has expired
		return driver.ErrNotFound
	}
	rec := driver.Record{Version: driver.MarkVersion, Expires: time.UnixMilli(score(list[1]))}
	for i := 0; i < len(list); i += 2 {
		if piece, _ := list[i].(string); piece != "" {
			rec.Data = append(rec.Data, piece[1:]...) // without the piece's number
		}
	}
	mark, _ := rec.Mark()
	return &driver.MarkedError{Mark: mark}
}
