package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/goroutines"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// A silence is a way in which a call gets no answer.
type silence struct {
	name  string
	reads bool // what the client sends
	begin func(q *quiet, t testing.TB) (end func())
	call  func(ctx context.Context, b driver.Backend) error
}

// A quiet is a backend over one connection through a proxy, and a pool without the proxy.
type quiet struct {
	driver.Backend
	engine Engine
	proxy  *servertest.Proxy
	direct *sql.DB
}

var silences = []silence{
	{"pooled connection", false, (*quiet).swallow, load},
	{"new connection", false, (*quiet).swallowNew, load},
	{"begin of a transaction", false, (*quiet).swallow, reserve},
	{"transaction", false, (*quiet).swallowLocked, reserve},
	{"end of a transaction", true, (*quiet).swallowEnd, reserve},
	{"read that waits for others", false, (*quiet).lock, load},
	{"transaction that waits for others", false, (*quiet).lock, reserve},
}

// Silence checks that calls without an answer end when their contexts do, with an error that says so, and that a connection
// that has not answered is not used again. One try in five has to be in time: a slow machine is late only sometimes, but a
// call that waits for something else always is.
func (e Engine) Silence(t *testing.T) {
	const slack = 200 * time.Millisecond
	e.Server.Shared(t) // started outside the family
	family := goroutines.NewFamily()
	family.Do(func() {
		for _, tt := range silences {
			if tt.reads && e.Server.Encrypted {
				continue
			}
			for _, end := range []error{context.DeadlineExceeded, context.Canceled} {
				t.Run(tt.name+", "+end.Error(), func(t *testing.T) {
					late := time.Hour
					for try := 0; try < 5 && late > slack; try++ {
						late = e.late(t, tt, end)
					}
					if late > slack {
						t.Errorf("the call ended %v after its context", late)
					}
				})
			}
		}
	})
	family.Gone(t)
}

// late returns how long after the end of its context a call returns.
func (e Engine) late(t *testing.T, s silence, end error) (late time.Duration) {
	server := e.Server.Shared(t)
	database := server.NewDatabase(t)
	q := &quiet{engine: e, proxy: servertest.NewProxy(t, server.Addr), direct: e.DB(t, server.DSN(database))}
	q.open(t, server.DSNVia(q.proxy.Addr, database))
	defer q.Backend.(io.Closer).Close()
	late = q.wait(t, s, end)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := load(ctx, q); err != nil {
		t.Errorf("Load afterwards: %v", err)
	}
	return late
}

// open prepares all statements.
func (q *quiet) open(t testing.TB, dsn string) {
	t.Helper()
	var err error
	q.Backend, err = q.engine.Node(t.Context(), driver.Config{
		Config: fmt.Sprintf(`{"dsn": %q, "maxOpenConns": 1}`, dsn), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)}
	err = errors.Join(q.Create(t.Context(), sessiontest.Key("silence"), rec), load(t.Context(), q), reserve(t.Context(), q.Backend))
	if err != nil {
		t.Fatal(err)
	}
}

// wait makes a call while nothing answers.
func (q *quiet) wait(t testing.TB, s silence, want error) (late time.Duration) {
	t.Helper()
	defer s.begin(q, t)()
	const lasts = 400 * time.Millisecond
	ctx, cancel := over(t.Context(), lasts, want)
	defer cancel()
	begin := time.Now()
	err := s.call(ctx, q.Backend)
	late = time.Since(begin) - lasts
	if !errors.Is(err, want) {
		t.Errorf("the call returned %v, want %v", err, want)
	}
	t.Logf("%v late: %v", late, err)
	return late
}

// over returns a context that ends after lasts, by its deadline or by being cancelled. A cancelled one also has a later
// deadline, for code that misses the cancellation.
func over(ctx context.Context, lasts time.Duration, end error) (context.Context, context.CancelFunc) {
	if end == context.DeadlineExceeded {
		return context.WithTimeout(ctx, lasts)
	}
	ctx, cancel := context.WithTimeout(ctx, lasts+3*time.Second)
	time.AfterFunc(lasts, cancel)
	return ctx, cancel
}

// ownPool lets calls over an application's pool wait for others when their contexts end. It does not check when they
// return, which depends on the driver, only that the error says why.
func (e Engine) ownPool(t *testing.T) {
	dsn := e.Empty(t)
	b, other := e.own(t, dsn, 0), e.DB(t, dsn)
	rec := &driver.Record{Created: time.Now(), Expires: time.Now().Add(time.Hour)}
	if err := errors.Join(b.Create(t.Context(), sessiontest.Key("silence"), rec), reserve(t.Context(), b)); err != nil {
		t.Fatal(err)
	}
	save := func(ctx context.Context, b driver.Backend) error { return b.Save(ctx, sessiontest.Key("silence"), rec) }
	defer e.lock(t, other)()
	for _, end := range []error{context.DeadlineExceeded, context.Canceled} {
		for name, call := range map[string]func(context.Context, driver.Backend) error{"save": save, "transaction": reserve} {
			ctx, cancel := over(t.Context(), 300*time.Millisecond, end)
			err := call(ctx, b)
			cancel()
			if !errors.Is(err, end) {
				t.Errorf("%s: %v, want %v", name, err, end)
			}
			t.Logf("%s: %v", name, err)
		}
	}
}

func load(ctx context.Context, b driver.Backend) error {
	return b.Load(ctx, sessiontest.Key("silence"), new(driver.Record))
}

// reserve is a call with a transaction, which has begun when it meets a lock on the table.
func reserve(ctx context.Context, b driver.Backend) error {
	_, err := b.(driver.UserLimiter).Reserve(ctx, "ann", sessiontest.Key("next"), time.Now().Add(time.Minute), 5, false)
	return err
}

// swallow makes the connection silent, and those that are opened until end is called.
func (q *quiet) swallow(testing.TB) (end func()) {
	q.proxy.Blackhole(true)
	return func() { q.proxy.Blackhole(false) }
}

func (q *quiet) swallowNew(t testing.TB) (end func()) {
	end = q.swallow(t)
	q.proxy.Reset()
	return end
}

// swallowEnd does so when a transaction is about to end.
func (q *quiet) swallowEnd(t testing.TB) (end func()) {
	q.proxy.BlackholeAt(commits[q.engine.Driver])
	return func() { q.proxy.Blackhole(false) }
}

// commits are the commands with which drivers end a transaction.
var commits = map[string]string{"postgres": "COMMIT", "pgx": "commit", "mysql": "COMMIT"}

// swallowLocked does so at the second statement of a transaction.
func (q *quiet) swallowLocked(t testing.TB) (end func()) {
	unlock := q.lock(t)
	begin := time.AfterFunc(150*time.Millisecond, func() { q.proxy.Blackhole(true) })
	return func() {
		if begin.Stop() {
			t.Error("the call was over before the silence")
		}
		q.proxy.Blackhole(false)
		unlock()
	}
}

// locks are the statements with which one connection makes all others wait for the table sessions, for writing and if
// possible for reading, and the statement that releases them.
var locks = map[string][]string{
	"postgres": {"BEGIN", "LOCK TABLE sessions", "ROLLBACK"},
	"pgx":      {"BEGIN", "LOCK TABLE sessions", "ROLLBACK"},
	"mysql":    {"LOCK TABLES sessions WRITE", "UNLOCK TABLES"},
	"sqlite":   {"BEGIN IMMEDIATE", "ROLLBACK"},
}

func (q *quiet) lock(t testing.TB) (end func()) { return q.engine.lock(t, q.direct) }

func (e Engine) lock(t testing.TB, db *sql.DB) (end func()) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exec := func(statement string) {
		if _, err := conn.ExecContext(context.Background(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	lock := locks[e.Driver]
	for _, statement := range lock[:len(lock)-1] {
		exec(statement)
	}
	return func() {
		exec(lock[len(lock)-1])
		conn.Close()
	}
}
