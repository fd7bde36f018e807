package pgx_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/pgx"
)

// The pool is the application's, for its own queries too: sessions take connections of it and give them back.
func ExampleNew() {
	pool, err := pgxpool.New(context.Background(), os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	sessions, err := session.New(pgx.New(pool, pgx.Table("app.sessions")), session.NewManagerConfig())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	go sessions.GC()

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
