package sql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"

	"github.com/seed1a8f7c28/session/internal/pause"
)

// The values of the schema setting: what is done with the table when it is opened.
const (
	schemaCreate = "create" // create if missing, upgrade if of the first version, then check
	schemaCheck  = "check"
	schemaOff    = "off"
)

// setUp creates, upgrades and checks the table.
func (s *store) setUp(ctx context.Context, schema string, log *slog.Logger) error {
	if schema == schemaOff {
		return nil
	}
	err := s.check(ctx)
	switch {
	case err == nil || !s.dialect.NoTable(err):
	case schema == schemaCreate:
		made := s.makeTable(ctx)
		// Other nodes may be creating it at the same time. It only matters that it exists.
		if err = s.check(ctx); err != nil {
			err = errors.Join(err, made)
		}
	default:
		err = fmt.Errorf("%w: run the statements of %s of package %s with the table's name in place of {table} and {name}, or open the "+
			`provider once with the schema setting "create" and the right to create the table`, err, s.schemaFile(), s.dialect.pkg())
	}
	if _, old := errors.AsType[*oldTable](err); s.beego || err != nil && !old {
		return err
	}
	return s.bringUp(ctx, schema, err, log)
}

func (s *store) makeTable(ctx context.Context) error {
	for statement := range s.statements(s.dialect.Schema) {
		if _, err := s.db.Exec(ctx, statement, nil); err != nil {
			return fmt.Errorf("cannot create the table %s: %w", s.table, err)
		}
	}
	return nil
}

// statements yields the statements of a template.
func (s *store) statements(template string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for statement := range strings.SplitSeq(s.dialect.expand(template, s.table), ";\n") {
			if strings.TrimSpace(statement) != "" && !yield(statement) {
				return
			}
		}
	}
}

// bringUp adds what a table of an earlier version lacks. old is an error if columns are missing. Without the index of
// aliases everything works, only slowly, so its absence is not an error.
func (s *store) bringUp(ctx context.Context, schema string, old error, log *slog.Logger) error {
	indexed, err := s.indexed(ctx)
	if old == nil && err == nil && indexed {
		return nil
	}
	switch {
	case schema != schemaCreate || s.dialect.Upgrade == "":
	case s.pooled:
		if err = errPooled; old != nil {
			return errors.Join(old, err)
		}
	default:
		indexed, err = s.upgrade(ctx)
		// Other nodes may be upgrading at the same time. Only the result matters.
		if old = s.check(ctx); old != nil {
			return errors.Join(old, err)
		}
	}
	if old == nil && !indexed {
		log.Warn("session: the table has no index of aliases, so finding a session by its alias reads all sessions: run the last statements of "+
			upgradeFile+" of package "+s.dialect.pkg(), "table", s.table, "error", err)
	}
	return old
}

// indexed reports whether the table has its index of aliases.
func (s *store) indexed(ctx context.Context) (bool, error) {
	if s.dialect.AliasIndex == "" {
		return true, nil
	}
	st, n := newStatement(s.dialect, s.table, s.dialect.AliasIndex), 0
	err := s.read(ctx, func() error {
		return s.query(ctx, nil, st, new(params), func(rows Row) error { return rows.Scan(&n) })
	})
	return n > 0, err
}

// upgrade runs all statements of an upgrade, since some may already have been run, unless another node does so. It reports
// whether it has seen the table with its index.
func (s *store) upgrade(ctx context.Context) (indexed bool, err error) {
	for try := 0; ; try++ {
		made := s.tryUpgrade(ctx)
		indexed, err := s.indexed(ctx)
		if err = errors.Join(made, err); indexed || err != nil {
			return indexed, err
		}
		if !pause.For(ctx, backoff(try)) {
			return false, ctx.Err()
		}
	}
}

// tryUpgrade does nothing if another node has its turn.
func (s *store) tryUpgrade(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Release(true) // ends the connection, with its settings and locks
	if s.dialect.UpgradeTurn != "" {
		turn := 0
		err := conn.QueryRow(ctx, s.dialect.expand(s.dialect.UpgradeTurn, s.table), nil, []any{&turn})
		if err != nil || turn != 1 {
			return err
		}
	}
	var errs []error
	for statement := range s.statements(s.dialect.Upgrade) {
		errs = append(errs, s.insist(ctx, func() error { // on this connection only
			_, err := conn.Exec(ctx, statement, nil)
			return err
		}))
	}
	return errors.Join(errs...)
}

// errPooled keeps the settings and locks of an upgrade off connections that other clients get next.
var errPooled = errors.New("the upgrade does not work through a pooler that gives each transaction another connection: open the provider once without the pooler")

const upgradeFile = "schema.1to2.sql"

func (s *store) schemaFile() string {
	if s.beego {
		return "schema.beego.sql"
	}
	return "schema.2.sql"
}

// An oldTable is the error for a table of the first version.
type oldTable struct {
	table, pkg string
	missing    []string
}

func (e *oldTable) Error() string {
	return fmt.Sprintf("the table %s lacks the columns %s of version 2: run the statements of %s of package %s, or open the provider once "+
		`with the schema setting "create" and the right to alter it`, e.table, strings.Join(e.missing, ", "), upgradeFile, e.pkg)
}

// check checks whether the table can be read and has the columns.
func (s *store) check(ctx context.Context) error {
	names, err := s.db.Columns(ctx, s.dialect.expand("SELECT * FROM {table} WHERE 1 = 0", s.table))
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
	switch {
	case len(missing) == 0:
		return nil
	case !slices.ContainsFunc(missing, func(column string) bool { return !slices.Contains(newColumns, column) }):
		return &oldTable{s.table, s.dialect.pkg(), missing}
	}
	return fmt.Errorf("the table %s belongs to another application or another version: it lacks the columns %s",
		s.table, strings.Join(missing, ", "))
}
