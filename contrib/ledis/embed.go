package ledis

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ledisdb/ledisdb/config"
	"github.com/ledisdb/ledisdb/server"
	"github.com/siddontang/go/filelock"
)

// A handle is a LedisDB server in this process. All backends on its folder share it.
type handle struct {
	folder  string
	durable bool
	addr    string // of a Unix socket in a folder that only this user can enter
	app     *server.App
	ended   chan struct{} // closed when the server accepts no more connections
	users   int
}

var (
	opening sync.Mutex
	open    = make(map[string]*handle) // the handles of this process, by folder; guarded by opening
)

var errSync = errors.New("this process has opened the folder with another \"sync\"")

// acquire returns the handle of a folder. It starts the server if this process has not.
func acquire(folder string, durable bool) (*handle, error) {
	opening.Lock()
	defer opening.Unlock()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(folder)
	if err == nil {
		folder, err = filepath.EvalSymlinks(folder)
	}
	if err != nil {
		return nil, err
	}
	h := open[folder]
	switch {
	case h == nil:
		if h, err = start(folder, durable); err != nil {
			return nil, err
		}
		open[folder] = h
	case h.durable != durable:
		return nil, errSync
	}
	h.users++
	return h, nil
}

// start starts a server. Its settings are those of beego, so that it finds beego's sessions.
func start(folder string, durable bool) (*handle, error) {
	// The server would take the same lock, but leave its socket open if it cannot have it.
	lock, err := filelock.Lock(filepath.Join(folder, "LOCK"))
	if _, unusable := errors.AsType[*fs.PathError](err); unusable {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("the folder is in use by another process: %w", err)
	}
	lock.Close()
	private, err := os.MkdirTemp("", "ledis")
	if err != nil {
		return nil, err
	}
	cfg := config.NewConfigDefault()
	cfg.DataDir, cfg.Addr, cfg.AddrUnixSocketPerm = folder, filepath.ToSlash(filepath.Join(private, "s")), "0600"
	if durable {
		cfg.DBSyncCommit = 2
	}
	h := &handle{folder: folder, durable: durable, addr: cfg.Addr, ended: make(chan struct{})}
	if h.app, err = server.NewApp(cfg); err != nil {
		os.RemoveAll(private)
		return nil, err
	}
	go func() {
		defer close(h.ended)
		h.app.Run()
	}()
	return h, nil
}

// release ends the use of a handle. The last one stops the server.
func (h *handle) release() {
	opening.Lock()
	defer opening.Unlock()
	if h.users--; h.users > 0 {
		return
	}
	delete(open, h.folder)
	h.app.Close()
	<-h.ended
	os.RemoveAll(filepath.Dir(h.addr))
}

// isFolder reports whether there is a folder.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// defaultFolder is LedisDB's.
const defaultFolder = config.DefaultDataDir

// openTimeout limits the opening if ctx has no deadline.
const openTimeout = 5 * time.Second
