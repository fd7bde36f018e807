package drilltest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// firstRevision is what the drill begins from as long as nothing is tagged: since then the stored formats are as they are
// today. With the first tag it goes away.
const firstRevision = "3d8d2d3"

// committed returns the source of a commit, or of the one that was tagged last if revision is "", and which one it is.
func committed(t *testing.T, revision string) (s source, title string) {
	t.Helper()
	g := git{dir: present(t).dir}
	if err := g.check(); err != nil {
		t.Fatal(err)
	}
	if revision == "" {
		tag, err := g.run("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
		if err != nil {
			tag = firstRevision
		}
		revision = tag
	}
	commit, err := g.commit(revision)
	if err != nil {
		t.Fatal(err)
	}
	dir := servertest.Folder(t)
	if err := g.extract(commit, dir); err != nil {
		t.Fatal(err)
	}
	title, err = g.run("show", "--no-patch", "--format=%h of %cs: %s", commit)
	if err != nil {
		t.Fatal(err)
	}
	return source{version: "old", dir: dir}, title
}

// A git asks git about the repository of a folder.
type git struct{ dir string }

func (g git) run(args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", g.dir}, args...)...)
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), said(err)
}

// check says what is missing.
func (g git) check() error {
	const need = "the drill takes the old version from git's history: "
	if _, err := exec.LookPath("git"); err != nil {
		return errors.New(need + "git is not installed")
	}
	prefix, err := g.run("rev-parse", "--show-prefix")
	if err != nil {
		return fmt.Errorf(need+"this is no clone: %w", err)
	}
	if prefix != "" {
		return errors.New(need + "this is a folder in another repository, not a clone")
	}
	return nil
}

// commit returns the whole name of the commit that a revision stands for.
func (g git) commit(revision string) (string, error) {
	commit, err := g.run("rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err == nil {
		return commit, nil
	}
	if shallow, err := g.run("rev-parse", "--is-shallow-repository"); err == nil && shallow == "true" {
		return "", fmt.Errorf("the history of this clone is cut off and has no %s: git fetch --unshallow --tags brings it", revision)
	}
	return "", fmt.Errorf("this clone has no commit %s", revision)
}

// extract writes the files of a commit to dir. Nothing of it stays in the repository, as a worktree would.
func (g git) extract(commit, dir string) error {
	index := "GIT_INDEX_FILE=" + filepath.Join(dir, ".index")
	for _, args := range [][]string{{"read-tree", commit}, {"checkout-index", "--all", "--prefix=" + dir + "/"}} {
		cmd := exec.Command("git", append([]string{"-C", g.dir}, args...)...)
		cmd.Env = append(os.Environ(), index)
		if _, err := cmd.Output(); err != nil {
			return fmt.Errorf("git %s: %w", args[0], said(err))
		}
	}
	return nil
}

// said adds to the error of a command what it has printed as an error.
func said(err error) error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	return fmt.Errorf("%w: %s", err, cmp.Or(strings.TrimSpace(string(exit.Stderr)), "it says nothing"))
}
