package couchbase_test

import (
	"log"
	"net/http"
	"os"

	"github.com/couchbase/gocb/v2"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/couchbase"
)

// With the provider's config the manager connects by itself.
func Example() {
	sessions, err := session.NewManager(session.ProviderCouchbase, session.NewManagerConfig(session.CfgProviderConfig(
		`{"url": "couchbase://10.0.0.1,10.0.0.2", "username": "app", "password": "…", "bucket": "sessions", "durability": "majority"}`,
	)))
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", sessions.Handler(http.NotFoundHandler())))
}

// An application that has a cluster gives the provider one of its collections.
func ExampleNew() {
	cluster, err := gocb.Connect("couchbase://10.0.0.1", gocb.ClusterOptions{
		Username: "app", Password: os.Getenv("COUCHBASE_PASSWORD"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close(nil)
	collection := cluster.Bucket("app").Scope("web").Collection("sessions")
	sessions, err := session.New(couchbase.New(collection, gocb.DurabilityLevelMajority), session.NewManagerConfig())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
}
