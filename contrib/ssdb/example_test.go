package ssdb_test

import (
	"log"
	"net/http"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/contrib/ssdb"
)

// The config string is the one that beego has. Only one process may write the sessions.
func Example() {
	sessions, err := session.NewManager(session.ProviderSsdb, session.NewManagerConfig(
		session.CfgProviderConfig("127.0.0.1:8888"),
	))
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", sessions.Handler(http.NotFoundHandler())))
}
