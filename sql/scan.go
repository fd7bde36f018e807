package sql

import (
	"bytes"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
)

// A rawRow is a [Row] of what a driver has returned.
type rawRow []sqldriver.Value

// Scan implements [Row], for the types that this package scans into.
func (r rawRow) Scan(to ...any) error {
	if len(to) != len(r) {
		return fmt.Errorf("a row has %d columns, want %d", len(r), len(to))
	}
	for i, v := range r {
		if err := assign(to[i], v); err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	return nil
}

// assign copies v into to. The driver may use the memory of v again.
func assign(to any, v sqldriver.Value) error {
	switch to := to.(type) {
	case *int64:
		if n, ok := v.(int64); ok {
			*to = n
			return nil
		}
		return convertInto(to, v)
	case *[]byte:
		b, ok := v.([]byte)
		if !ok && v != nil {
			return convertInto(to, v)
		}
		*to = bytes.Clone(b)
		return nil
	case *sql.NullInt64:
		if n, ok := v.(int64); ok {
			*to = sql.NullInt64{Int64: n, Valid: true}
			return nil
		}
		return to.Scan(v)
	case sql.Scanner:
		return to.Scan(v)
	case *int:
		return convertInto(to, v)
	case *bool:
		return convertInto(to, v)
	case *string:
		return convertInto(to, v)
	case **int64:
		if v == nil {
			*to = nil
			return nil
		}
		*to = new(int64)
		return convertInto(*to, v)
	}
	return fmt.Errorf("cannot scan into %T", to)
}

// convertInto has database/sql convert v, for example from the text of a number.
func convertInto[T any](to *T, v sqldriver.Value) error {
	var n sql.Null[T]
	if err := n.Scan(v); err != nil {
		return err
	}
	if !n.Valid {
		return errNull
	}
	*to = n.V
	return nil
}

var errNull = errors.New("the value is NULL")
