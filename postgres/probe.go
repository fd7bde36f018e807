package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// The errors for a pooler that gives each transaction another connection. They say what to change.
var (
	errPrepared = errors.New(`the connections go through a pooler that gives each transaction another connection, such as PgBouncer in transaction mode, ` +
		`and prepared statements do not work through it: set "prepare": false in providerConfig, or the option sql.Prepare(false) ` +
		`for a *sql.DB; or set max_prepared_statements in PgBouncer 1.21 or later`)
	errTwoTrips = errors.New(`the connections go through a pooler that gives each transaction another connection, and the driver sends a statement ` +
		`and its parameters in two round trips: add binary_parameters=yes to the data source name of lib/pq, or default_query_exec_mode=exec ` +
		`to that of pgx`)
)

// probe finds out whether there is such a pooler, and if so whether statements pass through it correctly. It cannot see
// this in a pool of one connection.
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

// crowd is the number of connections that try statements.
const crowd = 4

// connections takes n connections from the pool. end returns them.
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

// isMixedUp reports whether err cannot happen on a connection of one's own: a statement is missing, or another exists under
// its name.
func isMixedUp(err error) bool { return hasCode(err, "26000") || hasCode(err, "42P05") }

// isPooled reports whether a connection has changed its server process, or has one that another connection has used.
func isPooled(ctx context.Context, a, b *sql.Conn) (bool, error) {
	first, err := process(ctx, a)
	if err != nil {
		return false, err
	}
	second, err := process(ctx, a)
	if err != nil || second != first {
		return err == nil, err
	}
	tx, err := b.BeginTx(ctx, nil) // keeps its server process, and so takes one from a if it can
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

// probes is how often a statement is sent. If it can go wrong, it does so once in a few times.
const probes = 100

var errAnother = errors.New("the server ran another statement than the one that was sent")

// together runs try on all connections at the same time, so that they take each other's server processes.
func together(ctx context.Context, conns []*sql.Conn, try func(ctx context.Context, conn *sql.Conn, who string) error) error {
	var trying sync.WaitGroup
	errs := make([]error, len(conns))
	for i, conn := range conns {
		trying.Go(func() { errs[i] = try(ctx, conn, strconv.Itoa(i)) })
	}
	trying.Wait()
	return errors.Join(errs...)
}

// sendAtOnce sends a statement together with its parameter. Each connection has its own statement.
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

// sendPrepared prepares statements, alternately one that all connections share and one of its own, and closes none before
// the end. So two connections get different statements of the same name, and the same statement more than once, whether the
// driver numbers its statements, as lib/pq does, or names them by their text, as pgx does.
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
