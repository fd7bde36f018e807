//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package file_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
)

const nobody = 65534

// A folder of ours that others own or can write to is refused. The folder above is whoever's it is: Kubernetes' emptyDir has the
// mode 0777.
func TestFolderOfOthers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		mode     os.FileMode
		uid, gid int    // -1: ours
		says     string // "" if it is opened
	}{
		{"ours", 0o700, -1, -1, ""},
		{"others read it", 0o755, -1, -1, ""},
		{"our group writes", 0o770, -1, -1, ""},
		{"everybody writes", 0o777, -1, -1, "mode 0777"},
		{"everybody writes, but not our group", 0o702, -1, -1, "mode 0702"},
		{"others removed by their owners only", 0o777 | os.ModeSticky, -1, -1, "mode 0777"},
		{"another group writes", 0o720, -1, nobody, "mode 0720"},
		{"another group reads", 0o750, -1, nobody, ""},
		{"another's", 0o700, nobody, -1, "user 65534"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for config, folder := range map[driver.Config]string{
				{Config: dir}:                   filepath.Join(dir, folder),
				{Config: dir, Namespace: "app"}: filepath.Join(dir, "sessions-app.v2"),
				{Config: dir, Namespace: "old"}: filepath.Join(dir, "sessions-old"),
				{Config: dir, Beego: true}:      dir + ".locks",
			} {
				if err := errors.Join(os.Mkdir(folder, 0o700), os.Chmod(dir, 0o777)); err != nil {
					t.Fatal(err)
				}
				if tt.uid >= 0 || tt.gid >= 0 {
					if err := os.Chown(folder, tt.uid, tt.gid); err != nil {
						t.Skipf("needs the right to give files away (root, CAP_CHOWN): %v", err)
					}
				}
				if err := os.Chmod(folder, tt.mode); err != nil {
					t.Fatal(err)
				}
				s, err := file.Open(t.Context(), config)
				if err == nil {
					s.(io.Closer).Close()
				}
				c, ok := errors.AsType[*session.ConfigError](err)
				switch {
				case tt.says == "" && err != nil:
					t.Errorf("Open: %v", err)
				case tt.says != "" && (!ok || !strings.Contains(c.Error(), filepath.Base(folder)) || !strings.Contains(c.Error(), tt.says)):
					t.Errorf("Open: %v; want a *ConfigError that names %s and says %q", err, folder, tt.says)
				}
			}
		})
	}
}

// A link to a folder is nobody's to trust: whoever owns it can have it lead elsewhere.
func TestFolderBehindALink(t *testing.T) {
	for _, name := range []string{"sessions", folder} {
		dir := t.TempDir()
		if err := errors.Join(os.Mkdir(filepath.Join(dir, "elsewhere"), 0o700), os.Symlink("elsewhere", filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
		s, err := file.Open(t.Context(), driver.Config{Config: dir})
		if err == nil {
			s.(io.Closer).Close()
		}
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Open: %v; want an error that names the link", err)
		}
	}
}
