package ledis_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/ledis"
)

// LedisDB runs in this process, as with beego's config string. With {"addr": "host:port"} it is a server.
func ExampleNew() {
	folder, err := os.MkdirTemp("", "sessions")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	sessions, err := session.New(ledis.New(), session.NewManagerConfig(session.CfgProviderConfig(folder+",0")))
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()

	visit := func(r *http.Request) {
		s, err := sessions.Start(httptest.NewRecorder(), r)
		if err != nil {
			log.Fatal(err)
		}
		n, err := s.Increment(r.Context(), "visits", 1)
		if err != nil {
			log.Fatal(err)
		}
		if err := s.Save(r.Context()); err != nil {
			log.Fatal(err)
		}
		fmt.Println("visit", n)
	}
	r := httptest.NewRequest("GET", "/", nil)
	visit(r)
	visit(r)
	// Output:
	// visit 1
	// visit 2
}
