// Package file keeps sessions as files of this machine, under the provider name "file":
//
//	import _ "github.com/seed1a8f7c28/session/file"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "./tmp"
//	session.NewManager("file", cfg)
//
// Sessions outlive the process. Several processes of one machine may share a folder. Folders that other
// machines write to, such as NFS, are not supported.
//
// The provider config is the path of the folder, as in beego, or a JSON object:
//
//	{"path": "./tmp", "fsync": "none"}
//
// The folder is made if it is not there. fsync says what a loss of power may take:
//
//   - "none", the default: the changes of the last seconds, as the operating system has them on disk or not.
//     What was acknowledged survives a crash of the program or its being killed.
//   - "file": each file is on disk before it takes the place of another. A change may still be undone, but no
//     session becomes unreadable.
//   - "full": folders are on disk, too, before a call returns. Nothing acknowledged is lost.
//
// # On disk
//
// Below the folder, each namespace has a folder of its own: sessions, or sessions-app for the namespace "app".
// All of a name but small letters, digits, - and _ is escaped, so that no name leads elsewhere and none
// depends on case. In it are
//
//	3f/a0/3fa0…   a session: 64 hexadecimal digits for the 32 bytes of the storage key
//	users/        for each user a folder, named by a hash, of small files named as the user's sessions
//	aliases/      the same for each alias
//	locks/        256 empty files to lock
//
// Folders have the mode 0700, files 0600. No name is made of a sid, of a user's name or of an alias, only of
// their hashes. All access goes through an [os.Root]: no symbolic link leads out of the folder. A namespace's folder that
// others own or can write to is not opened, and what is no regular file is neither read nor written.
//
// A session's file is never changed, but for the eight bytes of its deadline: a save writes another file and
// renames it. So a reader, who takes no lock, sees the old session or the new one. Writers lock one of
// the 256 files, chosen by the key, against each other and other processes.
//
// # What can go wrong
//
// Disk full, read-only and I/O errors are errors of the call; what was stored stays. A killed process leaves
// at most a temporary file, which a sweep removes after an hour, and a place that a login has reserved, until it
// lapses. A process that is stopped while it writes (SIGSTOP, a debugger) keeps one of the locks, or a few: calls that
// need them fail when their time is over. A disk that hangs holds the calls that wait for it.
package file

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

func init() { session.Register(session.ProviderFile, New()) }

// New returns a provider that keeps sessions in files, for [session.New].
func New() session.Provider { return session.NewProvider(Open) }

// Open opens the folder that c.Config names, and makes what is missing of it. The error is a
// [*session.ConfigError] that names the setting, and the folder if that is what is wrong.
//
// The result is a [driver.Renamer], [driver.Marker], [driver.Counter], [driver.Sweeper], [driver.Lister],
// [driver.UserLister], [driver.AliasLister], [driver.UserLimiter], [driver.Clearer], [driver.Pinger] and an [io.Closer]; with c.Beego,
// over the files of beego's provider, a [driver.Counter], [driver.Sweeper], [driver.Pinger] and an [io.Closer].
func Open(_ context.Context, c driver.Config) (driver.Backend, error) {
	cfg, err := parse(c.Config)
	if err != nil {
		return nil, err
	}
	var b driver.Backend
	if c.Beego {
		b, err = openBeego(cfg, c.Lifetime)
	} else {
		b, err = open(cfg, c.Namespace)
	}
	if err != nil {
		return nil, &driver.ConfigError{Field: cfg.pathField, Err: fmt.Errorf("folder %q: %w", cfg.path, bare(err))}
	}
	return b, nil
}

// A config is a provider config that was read and checked.
type config struct {
	path      string
	pathField string // which setting it came from
	fsync     policy
}

func parse(text string) (config, error) {
	cfg := config{path: text, pathField: "providerConfig"}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		cfg.pathField = "providerConfig.path"
		object := struct {
			Path  string `json:"path"`
			Fsync string `json:"fsync"`
		}{Fsync: "none"}
		if err := driver.ParseConfig(text, &object); err != nil {
			return cfg, err
		}
		cfg.path = object.Path
		var ok bool
		if cfg.fsync, ok = policies[object.Fsync]; !ok {
			return cfg, &driver.ConfigError{Field: "providerConfig.fsync", Err: fmt.Errorf(
				`%q is none of "none", "file" and "full"`, object.Fsync)}
		}
	}
	if strings.TrimSpace(cfg.path) == "" {
		return cfg, &driver.ConfigError{Field: cfg.pathField, Err: errors.New(
			`want the path of a folder for the sessions, such as "./tmp"`)}
	}
	return cfg, nil
}

// open opens the namespace in the folder, and sees whether it can be written to and locked.
func open(cfg config, namespace string) (*store, error) {
	dir := namespaceFolder(namespace)
	home, err := openHome(cfg.path, dir)
	if err != nil {
		return nil, err
	}
	s := newStore(home, dir, cfg.fsync)
	if err = s.probe(); err == nil {
		err = s.locks.makeFiles()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}
