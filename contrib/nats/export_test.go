package nats

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/seed1a8f7c28/session/driver"
)

// What tests must know of the index, and of the entries.
const (
	Step = step
	Kept = kept
)

// Over returns the backend over an application's own connection.
func Over(ctx context.Context, nc *nats.Conn, c driver.Config) (driver.Backend, error) {
	return open(ctx, nc, Bucket{Name: "sessions"}, c)
}
