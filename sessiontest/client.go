package sessiontest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// OpenSealer opens a client-side store again. It replaces c.Config and uses the rest of c unchanged: a value sealed for one
// namespace must not open in another.
type OpenSealer = func(ctx context.Context, c driver.Config) (driver.Sealer, error)

// provider returns the provider of one more node. Its calls go through on, unless on is nil or the clients keep the
// sessions.
func (e *env) provider(on tapping) session.Provider {
	if e.seal != nil {
		return session.NewClientProvider(e.seal)
	}
	open := func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		b, err := e.open(ctx, c)
		if err != nil || on == nil {
			return b, err
		}
		return tapped(b, on), nil
	}
	if e.newProvider != nil {
		return e.newProvider(open)
	}
	return session.NewProvider(open)
}

// runSealer runs the cases that a client-side store can keep.
func (h Harness) runSealer(t *testing.T) {
	seal := h.Sealer(t)
	open := clients(seal)
	for _, c := range slices.Concat(cases, managerCases, sealerCases) {
		if c.clientSide {
			t.Run(c.name, func(t *testing.T) {
				e := h.env(c, open)
				e.seal = seal
				c.run(t, e)
			})
		}
	}
}

// clients returns a function that opens a backend which keeps sealed records as clients would. It lets the cases about
// records test a Sealer.
func clients(seal OpenSealer) Open {
	var mu sync.Mutex
	cookies := make(map[string][]byte)
	return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		s, err := seal(ctx, c)
		return &client{sealer: s, mu: &mu, cookies: cookies}, err
	}
}

// A client is a backend of sealed records.
type client struct {
	sealer  driver.Sealer
	mu      *sync.Mutex // guards cookies
	cookies map[string][]byte
}

// seal keeps rec under key.
func (c *client) seal(key string, rec *driver.Record) error {
	sealed, err := c.sealer.Seal(nil, cookieName, rec)
	if err == nil {
		c.cookies[key] = sealed
	}
	return err
}

// open fills rec with what key stands for.
func (c *client) open(key string, rec *driver.Record) error {
	sealed, ok := c.cookies[key]
	if !ok {
		return session.ErrNotFound
	}
	return c.sealer.Open(cookieName, string(sealed), rec)
}

// at is open for a record of a certain version; 0 is any.
func (c *client) at(key string, version uint64) (rec driver.Record, err error) {
	if err = c.open(key, &rec); err == nil && version != 0 && rec.Version != version {
		err = &driver.ConflictError{Record: &rec}
	}
	return rec, err
}

func (c *client) Create(_ context.Context, key string, rec *driver.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.cookies[key]; taken {
		return session.ErrExists
	}
	rec.Version = 1
	return c.seal(key, rec)
}

func (c *client) Load(_ context.Context, key string, rec *driver.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open(key, rec)
}

func (c *client) Save(_ context.Context, key string, rec *driver.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.at(key, rec.Version); err != nil {
		return err
	}
	rec.Version++
	return c.seal(key, rec)
}

func (c *client) Touch(_ context.Context, key string, expires time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	rec, err := c.at(key, 0)
	if err == nil && expires.After(rec.Expires) {
		rec.Expires = expires
		err = c.seal(key, &rec)
	}
	return err
}

func (c *client) Delete(_ context.Context, key string, version uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.at(key, version); err != nil && version != 0 {
		return err
	}
	delete(c.cookies, key)
	return nil
}
