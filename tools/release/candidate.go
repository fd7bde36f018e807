package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// rootPath is the module on which the others depend.
const rootPath = "github.com/seed1a8f7c28/session"

// A candidate is a copy of the repository in which a version is tagged.
type candidate struct {
	version string
	folder  string // the copy
	proxy   string // the folder that serves it, laid out as https://go.dev/ref/mod#goproxy-protocol says
	modules []mod
}

// A mod is a module of the repository.
type mod struct {
	folder string // relative to the root, "" for the root
	path   string
}

// tag returns the tag for a version of the module, as https://go.dev/ref/mod#vcs-version says.
func (m mod) tag(version string) string { return path.Join(m.folder, version) }

// tag clones the commit of root, makes the nested modules require the version, and tags each module.
func (c *candidate) tag(ctx context.Context, root string) error {
	if _, err := command(ctx, root, nil, "git", "clone", "--quiet", "--no-hardlinks", ".", c.folder); err != nil {
		return err
	}
	list, err := c.git(ctx, "ls-files", "go.mod", "*/go.mod")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(list) {
		if strings.Contains(name, "testdata/") {
			continue
		}
		m, err := c.prepare(name)
		if err != nil {
			return err
		}
		c.modules = append(c.modules, m)
	}
	if _, err := c.git(ctx, "commit", "--quiet", "--all", "--allow-empty", "-m", c.version); err != nil {
		return err
	}
	for _, m := range c.modules {
		if _, err := c.git(ctx, "tag", m.tag(c.version)); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes a module require the root's version instead of the folder beside it.
func (c *candidate) prepare(name string) (m mod, err error) {
	name = filepath.Join(c.folder, name)
	text, err := os.ReadFile(name)
	if err != nil {
		return m, err
	}
	f, err := modfile.Parse(name, text, nil)
	if err != nil {
		return m, err
	}
	if m.folder, err = filepath.Rel(c.folder, filepath.Dir(name)); err != nil {
		return m, err
	}
	if m.path = f.Module.Mod.Path; m.folder == "." {
		m.folder = ""
		return m, nil
	}
	for _, r := range f.Require {
		if r.Mod.Path == rootPath {
			err = f.AddRequire(rootPath, c.version)
		}
	}
	if err == nil {
		err = f.DropReplace(rootPath, "")
	}
	if err != nil {
		return m, err
	}
	f.Cleanup()
	if text, err = f.Format(); err != nil {
		return m, err
	}
	return m, os.WriteFile(name, text, 0o600)
}

// serve adds a module to the proxy.
func (c *candidate) serve(ctx context.Context, m mod) error {
	folder := filepath.Join(c.proxy, filepath.FromSlash(m.path), "@v")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	text, err := c.git(ctx, "show", m.tag(c.version)+":"+path.Join(m.folder, "go.mod"))
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": c.version, "Time": time.Now().UTC()})
	if err != nil {
		return err
	}
	var content bytes.Buffer
	v := module.Version{Path: m.path, Version: c.version}
	if err := zip.CreateFromVCS(&content, v, c.folder, m.tag(c.version), m.folder); err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"list": []byte(c.version + "\n"), c.version + ".info": info, c.version + ".mod": []byte(text), c.version + ".zip": content.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// env returns the environment of a user who gets modules from the proxy, with a module cache of the candidate's own.
func (c *candidate) env(ctx context.Context) ([]string, error) {
	shared, err := command(ctx, ".", nil, "go", "env", "GOMODCACHE", "GOPROXY")
	if err != nil {
		return nil, err
	}
	cache, proxies, _ := strings.Cut(strings.TrimSpace(shared), "\n")
	return []string{
		"GOPROXY=file://" + c.proxy + ",file://" + filepath.ToSlash(cache) + "/cache/download," + proxies,
		"GOMODCACHE=" + filepath.Join(filepath.Dir(c.proxy), "cache"), "GOSUMDB=off", "GOFLAGS=-modcacherw", "GOWORK=off", "GO111MODULE=on",
	}, nil
}

func (c *candidate) git(ctx context.Context, args ...string) (string, error) {
	who := []string{"-c", "user.name=release", "-c", "user.email=release@localhost"}
	return command(ctx, c.folder, nil, "git", append(who, args...)...)
}

// command runs a command in a folder, with settings added to the environment, and returns its output.
func command(ctx context.Context, folder string, settings []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = folder, append(os.Environ(), settings...), &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, &out, &errs)
	}
	return out.String(), nil
}
