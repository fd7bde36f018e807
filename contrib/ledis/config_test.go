package ledis_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/ledis"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/sample"
)

func hash(name string) string {
	sum := sha256.Sum256([]byte(name))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestBadConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct{ name, config, field, want string }{
		{"address as a text", "127.0.0.1:6380,10", "providerConfig", `{"addr": "host:port"}`},
		{"database", "data,s3cr3t", "providerConfig", "folder,database"},
		{"three parts", "data,1,s3cr3t", "providerConfig", "folder,database"},
		{"database too large", "data,16", "providerConfig.db", "0 to 15"},
		{"negative database", `{"addr": "127.0.0.1:1", "db": -1}`, "providerConfig.db", "0 to 10239"},
		{"unknown key", `{"path": "data"}`, "providerConfig.path", "unknown key"},
		{"both", `{"addr": "127.0.0.1:1", "save_path": "data"}`, "providerConfig.addr", "either"},
		{"password of a folder", `{"save_path": "data", "password": "s3cr3t"}`, "providerConfig.password", "only for addr"},
		{"sync of a server", `{"addr": "127.0.0.1:1", "sync": true}`, "providerConfig.sync", "db_sync_commit"},
		{"no port", `{"addr": "s3cr3t"}`, "providerConfig.addr", "host:port"},
		{"bad port", `{"addr": "s3cr3t:0"}`, "providerConfig.addr", "1 to 65535"},
		{"pool", `{"addr": "127.0.0.1:1", "poolSize": -1}`, "providerConfig.poolSize", "negative"},
		{"no time", `{"addr": "127.0.0.1:1", "readTimeout": 0}`, "providerConfig.readTimeout", "millisecond"},
		{"not a time", `{"addr": "127.0.0.1:1", "dialTimeout": "s3cr3t"}`, "providerConfig.dialTimeout", "seconds"},
		{"idle", `{"addr": "127.0.0.1:1", "idleTimeout": "-1s"}`, "providerConfig.idleTimeout", "negative"},
		{"nobody listens", at("127.0.0.1:1"), "providerConfig", "ledis at 127.0.0.1:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ledis.Open(t.Context(), driver.Config{Config: tt.config})
			sample.Refused(t, err, tt.field, tt.want)
		})
	}
	if !isEmpty(t, ".") {
		t.Error("a config that was refused has made a file")
	}
}

// TestBeegosConfigs opens every form of beego's.
func TestBeegosConfigs(t *testing.T) {
	t.Chdir(t.TempDir())
	for config, folder := range map[string]string{
		"": "var", "data": "data", "data1,3": "data1", `{"save_path": "data2", "db": 15}`: "data2", ` {"save_path": "a b,c"} `: "a b,c",
	} {
		m, err := session.NewManager("ledis", session.NewManagerConfig(session.CfgProviderConfig(config)))
		if err != nil {
			t.Errorf("%q: %v", config, err)
			continue
		}
		must(t, m.Close())
		if isEmpty(t, filepath.Join(folder, "goleveldb_data")) {
			t.Errorf("%q: nothing in %s", config, folder)
		}
	}
	must(t, os.Mkdir("localhost:1", 0o700)) // as an application of beego's may have it
	b, err := ledis.Open(t.Context(), driver.Config{Config: "localhost:1,100"})
	if err == nil || !strings.Contains(err.Error(), "0 to 15") {
		t.Errorf("%v, %v", b, err)
	}
	node(t, "localhost:1,10", "")
}

// TestFolder has several nodes of one process share a folder. Another process gets an error that says why.
func TestFolder(t *testing.T) {
	folder, ctx := filepath.Join(t.TempDir(), "data"), t.Context()
	first := node(t, in(folder), "")
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(folder, link))
	second := node(t, link+",0", "")
	must(t, first.Create(ctx, key(1), newRecord("")))
	must(t, first.Close())
	must(t, first.Close())
	must(t, second.Load(ctx, key(1), new(driver.Record)))
	if err := first.Load(ctx, key(1), new(driver.Record)); err == nil || errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Load after Close: %v", err)
	}
	if _, err := ledis.Open(ctx, driver.Config{Config: `{"sync": true, "save_path": "` + folder + `"}`}); err == nil {
		t.Error("the folder was opened with two values of sync")
	}

	other := proctest.Command("hold", in(folder))
	other.Stderr = nil
	if said, err := other.CombinedOutput(); err == nil || !strings.Contains(string(said), "in use by another process") {
		t.Errorf("another process: %v, %s", err, said)
	}
	must(t, second.Close())
	b := node(t, `{"sync": true, "save_path": "`+folder+`"}`, "")
	must(t, b.Load(ctx, key(1), new(driver.Record)))
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others can read the folder: %v, %v", info.Mode(), err)
	}
}

// TestPassword is about a server that asks for one.
func TestPassword(t *testing.T) {
	s := newLocal(t, "s3cr3t")
	for config, ok := range map[string]bool{
		`{"addr": "` + s.addr + `", "password": "s3cr3t", "db": 7}`: true,
		`{"addr": "` + s.addr + `", "password": "wr0ng"}`:           false,
		at(s.addr): false,
	} {
		b, err := ledis.Open(t.Context(), driver.Config{Config: config})
		if (err == nil) != ok {
			t.Errorf("%v, want success: %t", err, ok)
		}
		if err == nil {
			must(t, b.(io.Closer).Close())
		} else if strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}
