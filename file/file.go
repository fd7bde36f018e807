// Package file keeps sessions as files of this machine, under the provider name "file":
//
//	import _ "github.com/seed1a8f7c28/session/file"
//
//	cfg := session.NewManagerConfig()
//	cfg.ProviderConfig = "./tmp"
//	session.NewManager("file", cfg)
//
// Sessions outlive the process. Several processes of one machine may share a folder. Folders that other machines also write
// to, such as NFS, are not supported.
//
// The provider config is the path of the folder, as in beego, or a JSON object:
//
//	{"path": "./tmp", "fsync": "none"}
//
// The folder is created if it is missing. fsync says what may be lost in a power failure:
//
//   - "none", the default: the changes of the last seconds that the operating system has not yet written to disk. Changes
//     that were acknowledged survive a crash or a kill of the program.
//   - "file": each change is on disk before it counts. It may still be undone, but no session becomes unreadable.
//   - "full": everything is on disk before a call returns. Nothing acknowledged is lost.
//
// # On disk
//
// Each namespace has its own folder below the configured one: sessions.v2, or sessions-app.v2 for the namespace "app". All
// characters of a name except lower-case letters, digits, - and _ are escaped, so that no name leads to another folder and
// no name depends on case. The folder contains
//
//	3f/3fa0…      a session: 64 hexadecimal digits for the 32 bytes of the storage key
//	users/        for each user a folder, named by a hash, of small files named as the user's sessions
//	aliases/      the same for each alias
//	locks/        256 empty files to lock
//
// Folders have the mode 0700, files 0600. No name contains a sid, a user's name or an alias, only their hashes. All access
// goes through an [os.Root], so no symbolic link leads out of the folder. Open refuses a namespace's folder that others own
// or can write to. Anything that is not a regular file is neither read nor written.
//
// If there is a folder sessions, or sessions-app, of an earlier version, it is used as it is: in it a session is in a folder
// more, 3f/a0/3fa0….
//
// A session's file has two slots with checksums, and a save overwrites the older one. So a reader, who takes no lock, sees
// the old session or the new one. Large sessions have no slots: for them a save writes a new file and renames it. Writers of
// this and other processes lock one of the 256 files, chosen by the key.
//
// # What can go wrong
//
// If the disk is full, is read-only or returns an I/O error, the call returns an error and the stored session stays as it
// was. A killed process leaves at most a temporary or unfinished file, which a sweep removes after an hour, and a place that
// a login has reserved, until the reservation lapses. A process that is stopped while it writes (SIGSTOP, a debugger) keeps one or a
// few of the locks: calls that need them fail when their timeout has passed. Calls that wait for a disk that hangs do not
// return.
package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

func init() { session.Register(session.ProviderFile, New()) }

// New returns a provider that keeps sessions in files. Pass it to [session.New].
func New() session.Provider { return session.NewProvider(Open) }

// Open opens the folder that c.Config names, and creates what is missing. Every error is a [*session.ConfigError] that
// names the setting, and the folder if the folder is the cause.
//
// The result implements [driver.Renamer], [driver.Marker], [driver.Counter], [driver.Sweeper], [driver.Lister],
// [driver.UserLister], [driver.AliasLister], [driver.UserLimiter], [driver.Clearer], [driver.Pinger] and [io.Closer]. With
// c.Beego it works on the files of beego's provider, and implements [driver.Counter], [driver.Sweeper], [driver.Pinger] and
// [io.Closer]. Without it, Open logs a warning if there are such files.
func Open(ctx context.Context, c driver.Config) (driver.Backend, error) {
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
	if !c.Beego && c.Logger != nil && hasBeego(cfg.path) {
		c.Logger.WarnContext(ctx, "session/file: the folder has sessions of beego, which are not read: set \"beego\": true, or another folder",
			"folder", cfg.path)
	}
	return b, nil
}

// A config is a provider config that was read and checked.
type config struct {
	path      string
	pathField string // the setting that the path came from
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
				`%q is not one of "none", "file" and "full"`, object.Fsync)}
		}
	}
	if strings.TrimSpace(cfg.path) == "" {
		return cfg, &driver.ConfigError{Field: cfg.pathField, Err: errors.New(
			`want the path of a folder for the sessions, such as "./tmp"`)}
	}
	return cfg, nil
}

// open opens the namespace in the folder and checks that files can be written and locked there.
func open(cfg config, namespace string) (*store, error) {
	home, err := openHome(cfg.path, func(root *os.Root) (opened, error) {
		return chooseNamespace(root, namespaceFolder(namespace), cfg.fsync)
	})
	if err != nil {
		return nil, err
	}
	s := newStore(home, cfg.fsync)
	if err = s.probe(); err == nil {
		err = s.locks.makeFiles()
	}
	if err == nil {
		err = s.makeFolders()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}
