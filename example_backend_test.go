package session_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A mapBackend is the smallest storage engine: five methods on a map. It is no driver.Marker, so a request that comes late
// can replace the cookie of a login, and no driver.Sweeper, so expired records stay. Package sessiontest checks such an engine
// against the contract.
type mapBackend struct {
	mu      sync.Mutex
	records map[string]driver.Record
}

// live returns the record under key. It treats an expired record as missing, whether it has been removed or not.
func (b *mapBackend) live(key string) (driver.Record, bool) {
	rec, ok := b.records[key]
	return rec, ok && rec.Live(time.Now())
}

func (b *mapBackend) Create(_ context.Context, key string, rec *driver.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.live(key); ok {
		return session.ErrExists
	}
	rec.Version = 1
	b.records[key] = *rec
	return nil
}

func (b *mapBackend) Load(_ context.Context, key string, rec *driver.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	stored, ok := b.live(key)
	if !ok {
		return session.ErrNotFound
	}
	*rec = stored
	return nil
}

func (b *mapBackend) Save(_ context.Context, key string, rec *driver.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	stored, ok := b.live(key)
	switch {
	case !ok:
		return session.ErrNotFound
	case stored.Version != rec.Version:
		return &driver.ConflictError{Record: &stored}
	case stored.Expires.After(rec.Expires) && !rec.Shorten:
		rec.Expires = stored.Expires
	}
	rec.Version++
	rec.Shorten = false
	b.records[key] = *rec
	return nil
}

func (b *mapBackend) Touch(_ context.Context, key string, expires time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	stored, ok := b.live(key)
	if !ok {
		return session.ErrNotFound
	}
	if expires.After(stored.Expires) {
		stored.Expires = expires
	}
	b.records[key] = stored
	return nil
}

func (b *mapBackend) Delete(_ context.Context, key string, version uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch stored, ok := b.live(key); {
	case version != 0 && !ok:
		return session.ErrNotFound
	case version != 0 && version != stored.Version:
		return &driver.ConflictError{Record: &stored}
	}
	delete(b.records, key)
	return nil
}

// A package of its own would register openMap like this:
//
//	func init() { session.Register("map", session.NewProvider(openMap)) }
func openMap(context.Context, driver.Config) (driver.Backend, error) {
	return &mapBackend{records: make(map[string]driver.Record)}, nil
}

// The smallest engine of an application's own. It stores bytes, and does not know of sids, cookies or values; the manager
// merges what two requests change. The negative MarkLifetime says that the application knows of the missing marks.
func ExampleNewProvider() {
	sessions, err := session.New(session.NewProvider(openMap), session.NewManagerConfig(session.CfgMarkLifetime(-1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	first, err := sessions.Start(w, r)
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := sessions.Start(w, r) // at the same time
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, sess := range []*session.Session{first, second} {
		if _, err := sess.Increment(r.Context(), "n", 1); err != nil {
			fmt.Println(err)
		}
	}
	for _, sess := range []*session.Session{first, second} {
		if err := sess.Save(r.Context()); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(second.Get(r.Context(), "n"))
	// Output: 2
}
