// Package down is a session store that cannot be reached, for the tests of the examples.
package down

import (
	"context"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// SID has the shape of a sid. A readable Provider has a session for it.
const SID = "0123456789abcdef0123456789abcdef"

// Provider returns a provider whose store cannot be written to. If readable is true, every sid has a session without
// values; otherwise the store cannot be read either.
func Provider(readable bool) session.Provider {
	return session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return backend{readable}, nil })
}

var errDown = errors.New("the store is down")

type backend struct{ readable bool }

func (b backend) Load(_ context.Context, _ string, rec *driver.Record) error {
	if !b.readable {
		return errDown
	}
	*rec = driver.Record{Version: 1, Expires: time.Now().Add(time.Hour)}
	return nil
}

func (backend) Create(context.Context, string, *driver.Record) error { return errDown }
func (backend) Save(context.Context, string, *driver.Record) error   { return errDown }
func (backend) Touch(context.Context, string, time.Time) error       { return errDown }
func (backend) Delete(context.Context, string, uint64) error         { return errDown }
