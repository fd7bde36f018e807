package postgres

import (
	"context"
	sqldriver "database/sql/driver"
	"net"
	"testing"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// fakeConn is a connection of lib/pq on which each statement is followed by something.
type fakeConn struct {
	pqConn
	then func()
}

func (f fakeConn) ExecContext(context.Context, string, []sqldriver.NamedValue) (sqldriver.Result, error) {
	f.then()
	return sqldriver.ResultNoRows, nil
}

func (fakeConn) IsValid() bool { return true }

// TestEndInTheLastMoment has the context end in the moment in which a call has its answer: the connection that is about
// to be broken off must not come to another call.
func TestEndInTheLastMoment(t *testing.T) {
	for range 1000 {
		ctx, cancel := context.WithCancel(t.Context())
		wire, other := net.Pipe()
		w, _ := sessionsql.NewWire(ctx)
		w.Take(wire)
		w.Release()
		c := &conn{pqConn: fakeConn{then: cancel}, wire: w}
		_, err := c.ExecContext(ctx, "", nil)
		if valid := c.IsValid(); err != nil || valid {
			t.Fatalf("ExecContext = %v, and that the connection may be used is %v", err, valid)
		}
		other.Close()
	}
}
