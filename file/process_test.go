package file_test

import (
	"context"
	"os"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
)

func TestMain(m *testing.M) {
	if !proctest.Run(proctest.Roles{
		"save":       onStore(saveForever),
		"step":       stepAndDie,
		"create":     onStore(createForever),
		"rename":     onStore(renameForever),
		"login":      onStore(loginForever),
		"login many": onStore(loginMany),
		"write":      writers.Write,
	}) {
		os.Exit(m.Run())
	}
}

var writers = proctest.Writers{Provider: file.New, Each: 32, Changes: 10}

// onStore makes of what works on the store in a folder a role whose config is the folder.
func onStore(work func(s driver.Backend, dir string) error) func(dir string) error {
	return func(dir string) error {
		s, err := file.Open(context.Background(), driver.Config{Config: dir})
		if err != nil {
			return err
		}
		return work(s, dir)
	}
}

// TestTwoProcesses has two processes with 32 writers each change one session: nothing is lost.
func TestTwoProcesses(t *testing.T) { writers.Test(t, t.TempDir()) }
