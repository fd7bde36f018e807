// Command example counts each visitor's visits in sessions that an SQLite file stores:
//
//	go run ./example
//	go run ./example -addr 127.0.0.1:0 -file /tmp/sessions.db
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/contrib/sqlite"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "the `host:port` to listen on")
	file := flag.String("file", "sessions.db", "the database `file`")
	flag.Parse()
	if err := run(*addr, *file); err != nil {
		log.Fatal(err)
	}
}

func run(addr, file string) (err error) {
	sessions, err := session.NewManager("sqlite", session.NewManagerConfig(session.CfgProviderConfig(file)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sessions.Close()) }()
	sessions.GC()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("Open http://%s/ in a browser.\n", l.Addr())
	server := &http.Server{Handler: visits(sessions), ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(l)
}

// visits answers with the number of the visitor's visits.
func visits(sessions *session.Manager) http.Handler {
	return sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.FromContext(r.Context())
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		n, _ := s.Increment(r.Context(), "visits", 1)
		fmt.Fprintf(w, "visit number %d\n", n)
	}))
}
