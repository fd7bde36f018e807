package nats_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/nats"
)

// The server runs inside the application. The folder example has a fleet of three.
func ExampleNew() {
	s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: "/var/lib/app/nats", DontListen: true})
	if err != nil {
		log.Fatal(err)
	}
	s.Start()
	defer s.Shutdown()
	nc, err := natsgo.Connect("", natsgo.InProcessServer(s), natsgo.ReconnectBufSize(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	sessions, err := session.New(nats.New(nc, nats.Bucket{}), session.NewManagerConfig())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()

	hello := func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.FromContext(r.Context())
		if err != nil {
			http.Error(w, "the sessions cannot be reached", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "hello", sess.User())
	}
	log.Fatal(http.ListenAndServe(":8080", sessions.Handler(http.HandlerFunc(hello))))
}
