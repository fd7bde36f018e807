package servertest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Preparing the data folder of a database server takes seconds, copying one a tenth. So prepared folders are kept
// in the user's cache folder, by the program's version and arguments, for this test binary and those to come.

var templates sync.Mutex

// A recipe makes a data folder, "{work}/data" in its arguments.
type recipe struct {
	argv  []string
	env   []string
	files map[string]string // what argv reads below "{work}"
}

// prepare makes dir, a data folder by r. The program is run only when there is no template.
func prepare(dir string, r recipe) error {
	version, err := exec.Command(r.argv[0], "--version").Output()
	if err != nil {
		version = nil // mariadb-install-db has no such flag; its recipe holds the server's version
	}
	key := sha256.Sum256(fmt.Appendf(version, "%q", r))

	templates.Lock()
	defer templates.Unlock()
	cache, err := templateFolder()
	if err != nil {
		return err
	}
	template := filepath.Join(cache, fmt.Sprintf("%s-%x", filepath.Base(r.argv[0]), key[:8]))
	if _, err := os.Stat(template); err != nil {
		if err := makeTemplate(template, r); err != nil {
			return err
		}
	}
	return copyTree(template, dir, give)
}

// templateFolder makes the folder of templates, and removes from it what a killed test binary had begun. A user who
// cannot have one gets a folder for this test binary alone.
func templateFolder() (string, error) {
	cache, err := os.UserCacheDir()
	dir := filepath.Join(cache, "session-servertest")
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		folders.mu.Lock()
		defer folders.mu.Unlock()
		dir = filepath.Join(folders.root, "templates")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
	}
	begun, _ := filepath.Glob(filepath.Join(dir, "new-*"))
	for _, b := range begun {
		if info, err := os.Stat(b); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.RemoveAll(b)
		}
	}
	return dir, nil
}

// makeTemplate works in the folder of the servers, where their account may write, and copies the result to
// template in one step, so that no other test binary sees a part of it.
func makeTemplate(template string, r recipe) error {
	work, err := makeFolder("template")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	for name, content := range r.files {
		if _, err := writeFile(work, name, content); err != nil {
			return err
		}
	}
	argv := slices.Clone(r.argv)
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], "{work}", work)
	}
	if err := run(argv, work, r.env...); err != nil {
		return err
	}

	begun, err := os.MkdirTemp(filepath.Dir(template), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(begun)
	done := filepath.Join(begun, "data")
	if err := copyTree(filepath.Join(work, "data"), done, func(string) error { return nil }); err != nil {
		return err
	}
	err = os.Rename(done, template)
	if _, statErr := os.Stat(template); statErr == nil {
		return nil // another test binary may have been faster
	}
	return err
}

// copyTree copies a folder of files and folders to the new folder to, and calls each for every path in it.
func copyTree(from, to string, each func(path string) error) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if entry.IsDir() {
			err = os.Mkdir(target, 0o700)
		} else {
			err = copyFile(path, target)
		}
		if err != nil {
			return err
		}
		return each(target)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := out.ReadFrom(in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
