package servers

import (
	"context"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed1a8f7c28/session/bench/library"
)

// natsServer runs a NATS server in this process.
func natsServer(t testing.TB, durable bool) (*Server, error) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), SyncAlways: durable, NoSigs: true,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	url := s.ClientURL()
	nc, err := natsgo.Connect(url)
	if err != nil {
		return nil, err
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	return &Server{
		Version: "NATS " + nc.ConnectedServerVersion(),
		addr:    s.Addr().String(),
		fresh:   func() (library.Target, error) { return library.Target{Addr: url}, nil },
		Stored: func(library.Target) (int64, error) {
			ctx := context.Background()
			stream, err := js.Stream(ctx, "KV_sessions")
			if err != nil {
				return 0, err
			}
			info, err := stream.Info(ctx)
			if err != nil {
				return 0, err
			}
			return int64(info.State.Bytes), nil
		},
	}, nil
}
