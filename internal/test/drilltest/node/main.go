// Command node is one node of a deployment, for the drill. The same source is built against each version of the module, so
// it uses only names that all versions have. It imports no provider; the build adds a file that does.
//
// The first line of standard input is the config, in the form that session.ParseConfig reads. The node prints the address
// that it serves, and exits when its standard input ends, so that it does not outlive the process that started it.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/seed1a8f7c28/session"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "node:", err)
		os.Exit(1)
	}
}

func run(stdin io.Reader, stdout io.Writer) error {
	in := bufio.NewReader(stdin)
	text, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the config: %w", err)
	}
	cfg, err := session.ParseConfig(text)
	if err != nil {
		return err
	}
	cfg.ErrorHandler = explain
	sessions, err := session.Open(cfg)
	if err != nil {
		return err
	}
	go sessions.GC()
	a := &app{sessions: sessions, json: cfg.Codec == "json"}
	err = serve(sessions.Handler(a), in, stdout)
	return errors.Join(err, sessions.Close())
}

// serve serves until in ends, and then waits for running requests.
func serve(handler http.Handler, in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, in)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		ended <- errors.Join(err, server.Shutdown(ctx))
	}()
	fmt.Fprintln(out, l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

// explain answers a request whose save has failed with the reason.
func explain(w http.ResponseWriter, _ *http.Request, err error) {
	if w != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}
