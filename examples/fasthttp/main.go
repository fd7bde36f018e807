// Command fasthttp is a small web application on fasthttp with sessions: log in, count, log out.
//
//	go run ./examples/fasthttp
//	go run ./examples/fasthttp -addr 127.0.0.1:0
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/memory"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once

	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fasthttp:", err)
		os.Exit(1)
	}
}

// run serves the application until ctx is done. It writes the address to open to out.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("fasthttp", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:8080", "the `host:port` to listen on; port 0 takes a free one")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	sessions, err := session.NewManager("memory", session.NewManagerConfig(
		session.CfgCookieName("login"), session.CfgErrorHandler(unavailable)))
	if err != nil {
		return err
	}
	go sessions.GC()
	return errors.Join(serve(ctx, *addr, newApp(sessions), out), sessions.Close())
}

func serve(ctx context.Context, addr string, handler fasthttp.RequestHandler, out io.Writer) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s (choose another address with -addr): %w", addr, err)
	}
	server := &fasthttp.Server{
		Handler:            handler,
		ReadTimeout:        10 * time.Second,
		WriteTimeout:       20 * time.Second,
		IdleTimeout:        time.Minute,
		ReadBufferSize:     16 << 10, // for all request headers together; fasthttp's default is 4 KiB
		MaxRequestBodySize: 16 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Fprintf(out, "Open http://%s/ in a browser. Ctrl-C stops the server.\n", l.Addr())

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	// Running requests finish before the sessions are closed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.ShutdownWithContext(ctx)
}
