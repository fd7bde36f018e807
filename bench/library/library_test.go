package library_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/servers"
	"github.com/seed1a8f7c28/session/bench/workload"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// TestRight checks that each library returns what was stored, on each backend.
func TestRight(t *testing.T) {
	for _, backend := range library.Backends {
		t.Run(backend, func(t *testing.T) {
			server := servers.Start(t, backend)
			for _, l := range library.For(backend) {
				t.Run(l.Name, func(t *testing.T) {
					target, err := server.Fresh()
					if err != nil {
						t.Fatal(err)
					}
					app, err := l.On[backend](target)
					if err != nil {
						t.Fatal(err)
					}
					defer func() {
						if err := app.Shut(); err != nil {
							t.Error(err)
						}
					}()
					if err := workload.Check(app); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}
