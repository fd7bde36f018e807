package ledis

import (
	"net"
	"strconv"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/rediscall"
	"github.com/seed1a8f7c28/session/internal/setting"
)

// A settings is a provider config. The server is either at an address or in this process, with a folder.
type settings struct {
	Addr     string `json:"addr"`
	Password string `json:"password"`
	Folder   string `json:"save_path"` // beego's name
	DB       int    `json:"db"`
	Sync     bool   `json:"sync"`
	rediscall.Pool
}

// parse reads a config: a JSON object, or beego's "folder,database".
func parse(text string) (*settings, error) {
	s := &settings{Pool: rediscall.DefaultPool}
	text = strings.TrimSpace(text)
	var err error
	if strings.HasPrefix(text, "{") {
		err = driver.ParseConfig(text, s)
	} else {
		err = s.parseList(text)
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// parseList reads beego's form.
func (s *settings) parseList(text string) error {
	folder, db, has := strings.Cut(text, ",")
	if has {
		n, err := strconv.Atoi(strings.TrimSpace(db))
		if err != nil {
			return setting.Wrong("", `want "folder", "folder,database" or a JSON object`)
		}
		s.DB = n
	}
	s.Folder = folder
	if _, _, err := net.SplitHostPort(folder); err == nil && !strings.ContainsAny(folder, `/\`) && !isFolder(folder) {
		return setting.Wrong("", `the text names a folder, as in beego; for a server's address write {"addr": "host:port"}`)
	}
	return nil
}

// check checks the rules that apply to both forms.
func (s *settings) check() error {
	switch {
	case s.Addr != "" && s.Folder != "":
		return setting.Wrong("addr", "the server is either at addr or in this process, with save_path")
	case s.Addr != "" && s.Sync:
		return setting.Wrong("sync", "is only for save_path; a server has its own db_sync_commit")
	case s.Addr == "" && s.Password != "":
		return setting.Wrong("password", "is only for addr")
	case s.DB < 0 || s.DB >= maxDatabases:
		return setting.Wrong("db", "must be from 0 to %d", maxDatabases-1)
	case s.Addr == "" && s.DB >= databases:
		return setting.Wrong("db", "must be from 0 to %d: beego's LedisDB has no more databases", databases-1)
	}
	if err := s.Pool.Check(); err != nil {
		return err
	}
	if s.Addr == "" {
		if s.Folder == "" {
			s.Folder = defaultFolder
		}
		return nil
	}
	if s.network() == "unix" {
		return nil
	}
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return setting.Wrong("addr", "is not of the form host:port, and not the path of a socket")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return setting.Wrong("addr", "has no port from 1 to 65535")
	}
	return nil
}

const (
	databases    = 16    // of a server that is not told otherwise
	maxDatabases = 10240 // of any
)

// network returns the kind of address, as LedisDB tells them apart.
func (s *settings) network() string {
	if strings.Contains(s.Addr, "/") {
		return "unix"
	}
	return "tcp"
}
