package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

// A user represents somebody outside the repository who uses one of its packages.
type user struct {
	pkg     string // relative to the root of the repository
	program string // in the folder users; "" for a command, which is installed instead
	name    string // the name under which the package registers its provider
	config  string // the provider config, as a Go expression
}

// users cover every package that is meant for users.
var users = []user{
	{"memory", "visit", "memory", `""`},
	{"file", "visit", "file", "folder"},
	{"cookie", "visit", "cookie", `"{\"securityKey\": \"0123456789abcdef0123456789abcdef\"}"`},
	{"contrib/sqlite", "visit", "sqlite", `folder + "/sessions.db"`},
	{"contrib/pebble", "visit", "pebble", "folder"},
	{"contrib/leveldb", "visit", "leveldb", "folder"},
	{"contrib/badger", "visit", "badger", "folder"},
	{"contrib/bolt", "visit", "bolt", `folder + "/sessions.db"`},
	{"contrib/ledis", "visit", "ledis", `folder + "/sessions"`},
	{"redis", "register", "redis", `"{"`},
	{"memcache", "register", "memcache", `"{"`},
	{"postgres", "register", "postgresql", `"{"`},
	{"mysql", "register", "mysql", `"{"`},
	{"sessionfasthttp", "fasthttp", "", ""},
	{"sessiontest", "import", "", ""},
	{"contrib/pgx", "register", "pgx", `"{"`},
	{"contrib/nats", "register", "nats", `"{"`},
	{"contrib/couchbase", "register", "couchbase", `"{"`},
	{"contrib/ssdb", "register", "ssdb", `"{"`},
	{"contrib/beego", "beego", "", ""},
	{"tools/sessionvet", "", "", ""},
}

// notForUsers are the modules that measure or test the others.
var notForUsers = []string{"bench", "contrib/browser", "contrib/frameworks", "contrib/ledis/beegotest"}

// complete returns an error for a module that no user tries.
func complete(modules []mod) error {
	for _, m := range modules {
		tried := func(u user) bool {
			return u.pkg == m.folder || strings.HasPrefix(u.pkg, m.folder+"/") || m.folder == ""
		}
		if !slices.ContainsFunc(users, tried) && !slices.Contains(notForUsers, m.folder) {
			return fmt.Errorf("no user tries the module %s: add one to users", m.folder)
		}
	}
	return nil
}

//go:embed users
var programs embed.FS

// try gets, builds and runs the package with the user's program, or installs a command.
func (u user) try(ctx context.Context, c *candidate, folder string) error {
	if u.program == "" {
		return u.install(ctx, c, folder)
	}
	program, err := u.source()
	if err != nil {
		return err
	}
	return u.run(ctx, c, folder, program)
}

// run gets the package and builds and runs a program in a separate module. The module cache is separate too, because the
// shared one may contain an earlier attempt at this version.
func (u user) run(ctx context.Context, c *candidate, folder string, program []byte) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	env, err := c.env(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "main.go"), program, 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"mod", "init", "example.com/user"}, {"get", path.Join(rootPath, u.pkg) + "@" + c.version}, {"mod", "tidy"}, {"build", "-o", "user", "."},
	} {
		if _, err := command(ctx, folder, env, "go", args...); err != nil {
			return err
		}
	}
	said, err := command(ctx, folder, nil, filepath.Join(folder, "user"))
	if err == nil && said != "ok\n" {
		err = fmt.Errorf("it says %q", said)
	}
	return err
}

// install installs a command, and asks it for its version as go vet does.
func (u user) install(ctx context.Context, c *candidate, folder string) error {
	env, err := c.env(ctx)
	if err != nil {
		return err
	}
	env = append(env, "GOBIN="+folder)
	if _, err := command(ctx, ".", env, "go", "install", path.Join(rootPath, u.pkg)+"@"+c.version); err != nil {
		return err
	}
	name := path.Base(u.pkg)
	said, err := command(ctx, folder, nil, filepath.Join(folder, name), "-V=full")
	if err == nil && !strings.Contains(said, name+" version ") {
		err = fmt.Errorf("it says %q", said)
	}
	return err
}

// source returns the user's program.
func (u user) source() ([]byte, error) {
	t, err := template.ParseFS(programs, "users/"+u.program+".txt")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]string{"Import": path.Join(rootPath, u.pkg), "Name": u.name, "Config": u.config})
	return b.Bytes(), err
}
