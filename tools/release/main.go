// Release tries out a version before it is tagged. It tags every module in a copy of the repository, serves the copy like a
// module proxy, and lets users outside the repository get, build and run each module. Run it with make release-check, or in
// the folder tools:
//
//	go run ./release -version v0.1.0
//
// It tries what is committed. Modules that the version depends on come from the module cache, or from the proxy in the
// environment.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/mod/semver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := flag.String("root", "..", "the `folder` of the repository")
	version := flag.String("version", "", "the `version` to try, such as v0.1.0")
	flag.Parse()
	if err := run(ctx, os.Stdout, *root, *version); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run is described in the package comment.
func run(ctx context.Context, out io.Writer, root, version string) error {
	if !semver.IsValid(version) || semver.Canonical(version) != version || semver.Build(version) != "" {
		return fmt.Errorf("-version %q: want a version such as v0.1.0 or v0.2.0-rc.1", version)
	}
	folder, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	c := &candidate{version: version, folder: filepath.Join(folder, "copy"), proxy: filepath.Join(folder, "proxy")}
	if err := c.tag(ctx, root); err != nil {
		return err
	}
	if err := complete(c.modules); err != nil {
		return err
	}
	for _, m := range c.modules {
		if err := c.serve(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.tag(version), err)
		}
		fmt.Fprintln(out, "tagged", m.tag(version))
	}
	for _, u := range users {
		if err := u.try(ctx, c, filepath.Join(folder, "user")); err != nil {
			return fmt.Errorf("a user of %s: %w", u.pkg, err)
		}
		fmt.Fprintln(out, "ok    ", u.pkg)
	}
	return nil
}
