// Command login is a small web application with sessions: log in, count, log out.
//
//	go run ./examples/login
//	go run ./examples/login -addr 127.0.0.1:0 -config examples/login/file.json
//
// With a Redis server on this machine, several processes share their sessions:
//
//	go run ./examples/login -config examples/login/redis.json
//
// With the sessions in the clients' cookies it needs a key. The key must stay the same as long as the sessions are to live:
//
//	export LOGIN_KEY=$(openssl rand -base64 32)
//	go run ./examples/login -config examples/login/cookie.json
//
// With a database, several processes share their sessions too:
//
//	LOGIN_DSN='postgres://user:password@localhost/db?sslmode=disable' go run ./examples/login -config examples/login/postgres.json
//	LOGIN_DSN='user:password@tcp(localhost:3306)/db' go run ./examples/login -config examples/login/mysql.json
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/cookie"
	_ "github.com/seed1a8f7c28/session/file"
	_ "github.com/seed1a8f7c28/session/memcache"
	_ "github.com/seed1a8f7c28/session/memory"
	_ "github.com/seed1a8f7c28/session/mysql"
	_ "github.com/seed1a8f7c28/session/postgres"
	_ "github.com/seed1a8f7c28/session/redis"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once

	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "login:", err)
		os.Exit(1)
	}
}

// run serves the application until ctx is done. It writes the address to open to out.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("login", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller prints errors
	addr := flags.String("addr", "127.0.0.1:8080", "the `host:port` to listen on; port 0 takes a free one")
	config := flags.String("config", "", "a JSON `file` with the session settings, including the provider")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(out, "login is a small web application with sessions.")
		flags.SetOutput(out)
		flags.PrintDefaults()
		return nil
	case err != nil:
		return err
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	sessions, err := open(*config)
	if err != nil {
		return err
	}
	go sessions.GC()

	err = serve(ctx, *addr, newApp(sessions), out)
	return errors.Join(err, sessions.Close())
}

// open returns the manager for a config file, or one that keeps sessions in memory if file is "".
func open(file string) (*session.Manager, error) {
	cfg := session.NewManagerConfig(session.CfgProvider("memory"), session.CfgCookieName("login"))
	if file != "" {
		var err error
		if cfg, err = session.LoadConfig(file); err != nil {
			return nil, err
		}
	}
	cfg.ErrorHandler = unavailable
	return session.Open(cfg)
}

func serve(ctx context.Context, addr string, handler http.Handler, out io.Writer) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s (choose another address with -addr): %w", addr, err)
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Fprintf(out, "Open %s in a browser. Ctrl-C stops the server.\n", address(l.Addr()))

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	// Running requests finish before the sessions are closed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}

// address returns the URL to open in a browser on this machine.
func address(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}
