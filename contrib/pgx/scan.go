package pgx

import (
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// A scanner is a [sessionsql.Row].
type scanner struct{ rows pgx.Rows }

func (s scanner) Scan(to ...any) error { return s.rows.Scan(known(to)...) }

// known replaces targets that pgx would fill through [sql.Scanner], with an allocated value for each column, by targets that pgx
// fills directly. It changes to.
func known(to []any) []any {
	var wrapped []wrapper
	for i, t := range to {
		var w wrapper
		switch t := t.(type) {
		case moment:
			w.moment = t
		case *sql.NullInt64:
			w.size = t
		default:
			continue
		}
		if wrapped == nil {
			wrapped = make([]wrapper, 0, len(to)-i) // never more, so that none moves
		}
		wrapped = append(wrapped, w)
		to[i] = &wrapped[len(wrapped)-1]
	}
	return to
}

// A moment takes a time.
type moment interface {
	sql.Scanner
	SetTime(t time.Time)
}

// A wrapper is a target of pgx that fills one of two targets.
type wrapper struct {
	moment moment
	size   *sql.NullInt64
}

// Scan implements [sql.Scanner] for columns of other types.
func (w *wrapper) Scan(v any) error {
	if w.moment != nil {
		return w.moment.Scan(v)
	}
	return w.size.Scan(v)
}

// ScanTimestamptz implements [pgtype.TimestamptzScanner].
func (w *wrapper) ScanTimestamptz(v pgtype.Timestamptz) error {
	switch {
	case !v.Valid:
		return w.Scan(nil)
	case w.moment == nil || v.InfinityModifier != pgtype.Finite:
		return w.Scan(v.InfinityModifier.String())
	}
	w.moment.SetTime(v.Time)
	return nil
}

// ScanInt64 implements [pgtype.Int64Scanner].
func (w *wrapper) ScanInt64(v pgtype.Int8) error {
	if w.size != nil {
		w.size.Int64, w.size.Valid = v.Int64, v.Valid
		return nil
	}
	if !v.Valid {
		return w.Scan(nil)
	}
	return w.Scan(v.Int64)
}
