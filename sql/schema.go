package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What is done about the table when it is opened.
const (
	schemaCreate = "create" // made if it is not there, then checked
	schemaCheck  = "check"
	schemaOff    = "off"
)

// setUp makes and checks the table.
func (s *store) setUp(ctx context.Context, schema string) error {
	if schema == schemaOff {
		return nil
	}
	err := s.check(ctx)
	if err == nil || schema == schemaCheck || !s.dialect.NoTable(err) {
		return err
	}
	made := s.makeTable(ctx)
	// Other nodes may be making it as well: what counts is that it is there.
	if err := s.check(ctx); err != nil {
		return errors.Join(made, err)
	}
	return nil
}

func (s *store) makeTable(ctx context.Context) error {
	for statement := range strings.SplitSeq(s.dialect.expand(s.dialect.Schema, s.table), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("cannot make the table %s: %w", s.table, err)
		}
	}
	return nil
}

// check sees whether the table can be read and has the columns.
func (s *store) check(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, s.dialect.expand("SELECT * FROM {table} WHERE 1 = 0", s.table))
	if err != nil {
		return fmt.Errorf("cannot read the table %s: %w", s.table, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return fmt.Errorf("cannot read the table %s: %w", s.table, err)
	}
	want := columns
	if s.beego {
		want = beegoColumns
	}
	missing := slices.DeleteFunc(slices.Clone(want), func(column string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, column) })
	})
	if len(missing) > 0 {
		return fmt.Errorf("the table %s is another application's, or of another version: it lacks the columns %s",
			s.table, strings.Join(missing, ", "))
	}
	return rows.Err()
}
