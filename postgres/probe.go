package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// What a pooler that gives each transaction another connection of its own makes of statements, and what helps.
var (
	errPrepared = errors.New(`a pooler is in the way that gives each transaction another connection, as PgBouncer in transaction mode, ` +
		`and prepared statements do not work through it: set "prepare": false in providerConfig, or the option sql.Prepare(false) ` +
		`for a *sql.DB; or max_prepared_statements in PgBouncer, from 1.21 on`)
	errTwoTrips = errors.New(`a pooler is in the way that gives each transaction another connection, and the driver sends a statement ` +
		`and its parameters in two: add binary_parameters=yes to the data source name of lib/pq, or default_query_exec_mode=exec ` +
		`to that of pgx`)
)

// probe finds out whether there is such a pooler, and if so whether statements come through it unharmed. A pool of one connection
// does not show it.
func probe(ctx context.Context, db *sql.DB, prepares bool) (pooled bool, err error) {
	most := db.Stats().MaxOpenConnections
	if most == 1 {
		return false, nil
	}
	conns, end, err := connections(ctx, db, 2)
	defer end()
	if err == nil {
		pooled, err = isPooled(ctx, conns[0], conns[1])
	}
	if !isMixedUp(err) && (err != nil || !pooled) {
		return false, err
	}
	try, refused := sendAtOnce, errTwoTrips
	if prepares {
		try, refused = sendPrepared, errPrepared
	}
	if err == nil && (most == 0 || most >= crowd) {
		more, end, connErr := connections(ctx, db, crowd-2)
		defer end()
		conns, err = append(conns, more...), connErr
	}
	if err == nil {
		err = together(ctx, conns, try)
	}
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w (%w)", refused, err)
	}
	return true, err
}

// crowd is how many connections try statements.
const crowd = 4

// connections takes n connections, until end is called.
func connections(ctx context.Context, db *sql.DB, n int) (conns []*sql.Conn, end func(), err error) {
	end = func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
	for len(conns) < n && err == nil {
		var conn *sql.Conn
		if conn, err = db.Conn(ctx); err == nil {
			conns = append(conns, conn)
		}
	}
	return conns, end, err
}

// isMixedUp reports whether err is one that a connection of one's own cannot have: a statement is not there, or another's is.
func isMixedUp(err error) bool { return hasCode(err, "26000") || hasCode(err, "42P05") }

// isPooled reports whether a connection has another process of the server than before, or one that another connection has.
func isPooled(ctx context.Context, a, b *sql.Conn) (bool, error) {
	first, err := process(ctx, a)
	if err != nil {
		return false, err
	}
	second, err := process(ctx, a)
	if err != nil || second != first {
		return err == nil, err
	}
	tx, err := b.BeginTx(ctx, nil) // which keeps its process, and so that one from a, if it can
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	others, err := process(ctx, tx)
	if err != nil || others == first {
		return err == nil, err
	}
	third, err := process(ctx, a)
	return third != first, err
}

func process(ctx context.Context, on interface {
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
},
) (id int64, err error) {
	err = on.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&id)
	return id, err
}

// probes is how often a statement is sent. Where it can go wrong it does so in one of a few times.
const probes = 100

var errAnother = errors.New("another statement than the one that was sent was run")

// together tries statements on all connections at a time, so that they take each other's processes.
func together(ctx context.Context, conns []*sql.Conn, try func(ctx context.Context, conn *sql.Conn, who string) error) error {
	var trying sync.WaitGroup
	errs := make([]error, len(conns))
	for i, conn := range conns {
		trying.Go(func() { errs[i] = try(ctx, conn, strconv.Itoa(i)) })
	}
	trying.Wait()
	return errors.Join(errs...)
}

// sendAtOnce sends a statement with its parameter. Each connection has one of its own.
func sendAtOnce(ctx context.Context, conn *sql.Conn, who string) error {
	for n := range probes {
		var got string
		err := conn.QueryRowContext(ctx, `SELECT '`+who+` ' || CAST($1 AS text)`, strconv.Itoa(n)).Scan(&got)
		if err != nil {
			return err
		}
		if got != who+" "+strconv.Itoa(n) {
			return errAnother
		}
	}
	return nil
}

// sendPrepared prepares one statement after another, by turns one that all connections have and one of its own, and closes none
// before the end: whether the driver counts statements, as lib/pq does, or names them by their text, as pgx, two connections
// come to have one of the same name, and each one that others do not have.
func sendPrepared(ctx context.Context, conn *sql.Conn, who string) error {
	for n := range probes {
		text := `SELECT 'session ' || CAST($1 AS text)`
		if n%2 == 1 {
			text = `SELECT 'session ` + who + `' || substr($1, ` + strconv.Itoa(len(who)+1) + `)`
		}
		st, err := conn.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		defer st.Close()
		var got string
		if err := st.QueryRowContext(ctx, who+" "+strconv.Itoa(n)).Scan(&got); err != nil {
			return err
		}
		if got != "session "+who+" "+strconv.Itoa(n) {
			return errAnother
		}
	}
	return nil
}
