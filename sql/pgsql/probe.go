package pgsql

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// The errors for a pooler that gives each transaction another connection. They say what to change.
var (
	errPrepared = errors.New(`the connections go through a pooler that gives each transaction another connection, such as PgBouncer in transaction mode, ` +
		`and prepared statements do not work through it: set "prepare": false in providerConfig, or the option sql.Prepare(false) ` +
		`for a *sql.DB; or set max_prepared_statements in PgBouncer 1.21 or later`)
	errTwoTrips = errors.New(`the connections go through a pooler that gives each transaction another connection, and the driver sends a statement ` +
		`and its parameters in two round trips, or prepares it: add binary_parameters=yes to the data source name of lib/pq, or ` +
		`default_query_exec_mode=exec to that of pgx, with the option sql.Prepare(false) for a *sql.DB`)
)

// probe is [Probe] for a *sql.DB.
func probe(ctx context.Context, db sessionsql.Pool, prepares bool) (pooled bool, err error) {
	if prepares {
		return Probe(ctx, db, errPrepared)
	}
	return Probe(ctx, db, errTwoTrips)
}

// Probe finds out whether there is a pooler that gives each transaction another connection, and if so whether statements pass
// through it correctly. If they do not, its error wraps refused. It cannot see this in a pool of one connection.
func Probe(ctx context.Context, db sessionsql.Pool, refused error) (pooled bool, err error) {
	most := db.MaxConns()
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
	if err == nil && (most == 0 || most >= crowd) {
		more, end, connErr := connections(ctx, db, crowd-2)
		defer end()
		conns, err = append(conns, more...), connErr
	}
	if err == nil {
		err = together(ctx, conns)
	}
	if err != nil && (ctx.Err() == nil || isMixedUp(err)) {
		err = fmt.Errorf("%w (%w)", refused, err)
	}
	return true, err
}

// crowd is the number of connections that try statements.
const crowd = 4

// connections takes n connections from the pool. end returns them.
func connections(ctx context.Context, db sessionsql.Pool, n int) (conns []sessionsql.Conn, end func(), err error) {
	end = func() {
		for _, conn := range conns {
			conn.Release(false)
		}
	}
	for len(conns) < n && err == nil {
		var conn sessionsql.Conn
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
func isPooled(ctx context.Context, a, b sessionsql.Conn) (bool, error) {
	first, err := process(ctx, a)
	if err != nil {
		return false, err
	}
	second, err := process(ctx, a)
	if err != nil || second != first {
		return err == nil, err
	}
	tx, err := b.Begin(ctx) // keeps its server process, and so takes one from a if it can
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

func process(ctx context.Context, on sessionsql.Querier) (id int64, err error) {
	err = on.QueryRow(ctx, `SELECT pg_backend_pid()`, nil, []any{&id})
	return id, err
}

// probes is how often a statement is sent. If it can go wrong, it does so once in a few times.
const probes = 100

var errAnother = errors.New("the server ran another statement than the one that was sent")

// together runs statements on all connections at the same time, so that they take each other's server processes.
func together(ctx context.Context, conns []sessionsql.Conn) error {
	var trying sync.WaitGroup
	ctx, stop := context.WithCancelCause(ctx) // at the first error: the others would only take time
	defer stop(nil)
	for i, conn := range conns {
		trying.Go(func() {
			if err := send(ctx, conn, strconv.Itoa(i)); err != nil {
				stop(err)
			}
		})
	}
	trying.Wait()
	return context.Cause(ctx)
}

// send sends statements as the pool does, prepared or not, alternately one that all connections share and one of its own.
// It closes no prepared statement before the end. So two connections get different statements of the same name, and the same
// statement more than once, whether the driver numbers its statements, as lib/pq does, or names them by their text, as pgx
// does.
func send(ctx context.Context, conn sessionsql.Conn, who string) error {
	for n := range probes {
		text := `SELECT 'session ' || CAST($1 AS text)`
		if n%2 == 1 {
			text = `SELECT 'session ` + who + `' || substr($1, ` + strconv.Itoa(len(who)+1) + `)`
		}
		var got string
		if err := conn.QueryRow(ctx, text, []any{who + " " + strconv.Itoa(n)}, []any{&got}); err != nil {
			return err
		}
		if got != "session "+who+" "+strconv.Itoa(n) {
			return errAnother
		}
	}
	return nil
}

// keeps reports whether the driver keeps a text prepared that it was sent. Nobody else sends this text over the server's connection,
// which a pooler may share. If a driver can only prepare, database/sql prepares the text and closes it again.
func keeps(ctx context.Context, db sessionsql.Pool) (bool, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer c.Release(false)
	sent, kept := `SELECT CAST($1 AS integer) -- `+rand.Text(), 0
	err = c.QueryRow(ctx, sent, []any{0}, []any{&kept})
	if err == nil {
		asked := `SELECT count(*) FROM pg_prepared_statements WHERE statement = $1 -- ` + rand.Text()
		err = c.QueryRow(ctx, asked, []any{sent}, []any{&kept})
	}
	if hasCode(err, "") { // from a pooler, which Probe reports, or from a server that is not quite PostgreSQL
		return false, nil
	}
	return kept > 0, err
}
